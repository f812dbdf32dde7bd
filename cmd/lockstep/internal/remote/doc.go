// Package remote speaks to a Lockstep server over HTTP, as the commands need it:
// rows, mutations, and following a topic by long poll.
//
// What a caller may rely on:
//
//   - Every failure is an [*Unreachable], when nobody answered, or a [*Refusal],
//     when the server said no, or the end of the caller's context.
//   - A mutation carries an idempotency key, and a retry is the same mutation
//     under the same key, so it is applied at most once (P3).
//   - [Client.Follow] resumes where it was: it skips nothing and repeats nothing
//     (P5), however often the line drops.
package remote
