// Package topics holds the words of Lockstep as pure values: names, positions,
// events, mutations, outcomes and errors. It does no I/O, starts no goroutine and
// reads no clock; every other package builds on it.
//
// A topic is a versioned resource named "type:identifier". It is a set of
// entities plus the log of the events that made it. A [Version] counts the
// events of one topic from 1; an [Epoch] names one incarnation of the log. A
// [Position] is the pair, and two versions compare only within one epoch.
//
// What a reader may rely on:
//
//   - A value that a Parse function returned is well formed; nobody checks it again.
//   - Every error a client can see is an [*Error] with a [Code] of the table in
//     codes.go. The same words travel on every transport.
//   - JSON that enters from outside has passed [strict.Compact] before it is a
//     payload here: it is compact, valid UTF-8, and has no duplicate keys.
package topics
