// Package simulation holds tests only: the engine, a store in memory, and clients
// with replicas, outboxes and views, in one bubble of fake time, driven by a seed.
//
// One step at a time a random choice decides what happens next: a client writes, a
// message crosses, a message is lost or comes twice, a line drops while what was on
// it still arrives, a commit is held up, becomes durable, or fails, a topic is
// deleted, compacted, the server restarts, an hour passes. Between two steps all
// goroutines come to rest, so a seed is a history and can be replayed.
//
// All the while a ledger beside the store knows every state the server has had. Each
// state a replica shows is compared with it (P4), each answer (P2, P3), each view
// against the writes of its user. In the end the faults stop, and everybody must
// have come to the same rows (P7).
//
// The run prints how often each thing happened, and fails where one never did. One
// line is a limit and not a proof: a mutation that names no epoch is as good in the
// topic's next incarnation, so that a delayed copy of it is applied again when the
// topic was deleted in between. One that names an epoch, be it that of a topic without
// events, is held to P3 across deletions.
//
//	go test ./sync/simulation -seeds 5000          # how many
//	go test ./sync/simulation -seed 42 -v          # one of them, step by step
package simulation
