// Package store is the log and its materialised rows: the contract, and the plain
// values it speaks in. Implementations live below it (memory, badger); the suite
// in storetest holds every one of them to the rules here.
//
// A topic in the store is
//
//   - a log: its events in version order, from the retention floor on;
//   - a last list: version → the last event of each entity, tombstones included,
//     in version order. A new event of an entity moves its entry. This is the
//     state, and retention never touches its rows;
//   - a head: epoch, version, floors, counts;
//   - lanes and keys: the outcomes of decided mutations.
//
// # Rules
//
//  1. Append is a compare-and-set on the topic's position, and atomic: log, last
//     list, head, outcomes change together or not at all (P4).
//  2. When Append returns without error the commit survives a power cut (P2),
//     unless the store was opened in a mode that says otherwise.
//  3. Versions of a topic are 1, 2, 3, … with no hole and no repeat (P1). They fit
//     [topics.MaxVersion].
//  4. An epoch belongs to one incarnation of a log. The first Append of a topic
//     gives it one; Delete ends it. It is never reused; it survives restarts.
//  5. A topic without commits has the genesis epoch and version 0. Each Delete gives it
//     another one, so that what was meant for the topic before is told from what is
//     meant for the next. A topic that never had commits costs nothing, and a deleted
//     one keeps a head.
//  6. Reads see every Append that returned before they began (P6), and nothing of
//     one that has not become durable.
//  7. Read returns events in log order, contiguous from after+1. Below the
//     retention floor it fails with [ErrCompacted]; it never skips.
//  8. Last returns entries in ascending version order, as of one Timestamp, so
//     that a run of several calls shows one state (P4). A timestamp can be used
//     for [RunLife] at least, while the store stays open; once the store has moved
//     on from it for that long, the call fails with [ErrRunExpired]. It never shows
//     another state.
//  9. Compaction law: for every v at or above the tombstone floor, rows at v plus
//     Last(v) gives the rows of the head. For v = 0 it gives them from nothing.
//  10. Floors move only up, only to commit boundaries, and tombstone floor ≤
//     retention floor ≤ version.
//  11. A record that fails its checksum, or a range that is not what the head
//     promises, is a [*DamageError] naming topic and version (P12). Other topics
//     go on.
//  12. After an Append failed with [ErrOutcomeUnknown] the store takes no further
//     Append: reopen it, and what is there is what happened.
//  13. A commit no engine should have made is refused with [ErrMalformed], and one
//     that is too large with [ErrTooLarge]; neither changes anything. In particular
//     every Replaces must be the version of the entity's entry, 0 when it has none
//     or its tombstone fell below the floor meanwhile.
//  14. Every method may be called from any goroutine. Byte slices that a call
//     returns are the caller's to keep and must not be written to; those passed
//     to Append must not change afterwards.
package store
