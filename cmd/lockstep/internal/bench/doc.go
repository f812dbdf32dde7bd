// Package bench measures a server with a load from another process: how fast events
// reach subscribers, what a session weighs, how soon clients are back.
//
// What a reader of its figures may rely on:
//
//   - Server and load are processes of their own, on different cores where there
//     are two; the server has exactly one.
//   - A figure counts only when its totals are right: every subscriber received
//     every event once and in order, every mutation was acknowledged as applied.
//     Otherwise the round fails, and says why.
//   - Everything is on disk before it is acknowledged, as in production. What a
//     contestant does not promise, its column does not get credit for.
//   - Latency is counted from the moment a mutation was meant to be sent, so that a
//     stalled server cannot hide by stalling the load.
//   - Contestants take turns within each round. Figures of different runs are not
//     comparable on a machine that others use too; ratios within one are.
//
// It runs on Linux only: it reads /proc, pins processes to cores and waits by epoll.
package bench
