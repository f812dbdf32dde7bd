// Package client is the client's side of lockstep.v1 as pure state machines: they
// take frames and return what to do, and have no socket, goroutine or clock. Tests
// script them; followers and, later, the Go client put a connection around them.
//
//   - [Subscription] keeps one topic's [Replica] in step: what to ask for, which
//     frames to believe, when to ask again.
//   - [Outbox] keeps the mutations without an answer: what to send, what to send
//     again, what an answer means (P3).
//   - [View] is a replica with the unanswered mutations applied on top, as a user
//     should see it.
//
// What a caller may rely on:
//
//   - A replica shows only states that the server had (P4), in the order in which
//     it had them (P5).
//   - Every mutation put into an outbox comes out of it once, with its final
//     answer or with the reason why that will never be known.
//   - A view never shows a user's write, then a state without it, then the write
//     again, whichever of its ack and its event comes first.
//
// None of the types may be used from two goroutines at once.
package client
