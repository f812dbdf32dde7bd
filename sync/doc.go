// Package statesync is the engine: topics as logs, subscriptions as cursors over
// them, sessions that pull, and mutations that are decided in order.
//
// There are no queues per connection. A [Session] belongs to one connection; its
// cursors are positions in logs. The connection's writer calls [Session.Next],
// which takes a cursor that is behind, reads from the topic's tail in memory or,
// when the cursor has fallen out of it, from the store, and moves the cursor. A
// commit hands nothing to anybody: it appends to the tail and wakes the cursors
// that were idle. First load, catch-up and live delivery are the same read at
// different positions.
//
// What a reader may rely on:
//
//   - Session.Next is the only way bytes leave, for every transport (P11).
//   - What a cursor gets next is decided by [Resume], a total function of numbers;
//     nothing depends on whether a read returned rows (P5).
//   - A mutation's answer is given after its commit is durable (P2), and stands in
//     the session's output before the mutation's own event.
//   - No goroutine per subscription and none per idle session or topic. A topic
//     has one goroutine while mutations wait for it.
//   - Every queue has a bound with a name in [Limits] (P9).
//
// The package's floor is the third: it imports topics and store, never a
// transport.
package statesync
