// Package server is bytes in, bytes out: it carries the engine's sessions over
// WebSocket, event streams and polls, and its reads and mutations over HTTP. What is said, to whom
// and in which order is the engine's business; this package adds nothing to it and
// leaves nothing out.
//
// What a reader may rely on:
//
//   - Every transport says what Session.Next says, byte for byte (P11).
//   - A connection costs one goroutine while it is silent. A few goroutines write to
//     all of them, while there is something to write; a line that does not take its
//     bytes at once has one of its own until it has (flush.go).
//   - Every error a client sees has a code of the table in package topics, and the
//     same code on every transport.
//   - Every goroutine started here is waited for by [Server.Drain].
//   - Every wait and every buffer has a bound with a name in [Limits] (P9).
//
// The package's floor is the fourth: it imports topics and sync, never a store.
package server
