// Package conformance holds protocol lockstep.v1 as files: what others implement,
// and what our own code is tested against.
//
//   - SPEC.md is the protocol as numbered rules; proofs.json says what proves each.
//   - schemas/ has the JSON Schema of every frame and body; protocol.json pins them.
//   - protocol/ has one example of every frame and HTTP body, the codes, and the
//     names and positions that are valid and those that are refused.
//   - vectors/ has inputs and their one right outcome: resuming, patches, what a
//     replica does with a frame, which JSON text is let in.
//
// The files are the contract and carry no program with them. A test in Go holds the
// server to each of them, and clients in other languages read the same files. So a
// change of the wire that is not made here fails a test, and the commit that makes
// it shows it as a difference in a file.
package conformance
