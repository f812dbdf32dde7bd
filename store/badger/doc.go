// Package badger keeps topics on disk in an embedded Badger, which it does not
// trust: every commit is proven by a ledger beside it, every record by a checksum.
//
// Beyond the rules of package store it promises:
//
//   - One directory, one process: a second one is refused with a clear error.
//   - A commit that Append has answered was synced by Badger, and then written to
//     the commit ledger and synced there, before the answer left (P2).
//   - Open refuses a directory in which an answered commit is missing, wherever the
//     hole is, and says what to do (P12).
//   - Commits that wait at the same time share one Badger transaction and its sync.
//     Nothing runs while nobody waits.
//   - A damaged record quarantines its topic, not the store.
//
// The bytes on disk are drawn in store/FORMAT.md.
package badger
