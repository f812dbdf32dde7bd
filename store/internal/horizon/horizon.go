// Package horizon remembers which commit number was the newest some time ago. It
// is how a store knows which timestamps of runs it still owes an answer.
package horizon

import "time"

// grain is how far apart two remembered moments are at least; it bounds them.
const grain = time.Second

// Horizon answers "which commit was the newest, life ago?". The zero value, with a
// life, is ready. Not safe for concurrent use.
type Horizon struct {
	Life  time.Duration
	marks []mark // ascending in both; at most Life/grain + 2
}

type mark struct {
	at     time.Time
	commit uint64
}

// Note says that commit became the newest at now.
func (h *Horizon) Note(now time.Time, commit uint64) {
	h.forget(now)
	if n := len(h.marks); n > 0 && now.Sub(h.marks[n-1].at) < grain {
		return
	}
	h.marks = append(h.marks, mark{now, commit})
}

// At is a commit number that was reached at least life before now, and is the
// newest such that is remembered. Any timestamp handed out within the last life
// is at or above it. It is 0 while the store is younger than life.
func (h *Horizon) At(now time.Time) uint64 {
	h.forget(now)
	if len(h.marks) == 0 || now.Sub(h.marks[0].at) < h.Life {
		return 0
	}
	return h.marks[0].commit
}

// forget drops marks that a later one, old enough too, makes useless.
func (h *Horizon) forget(now time.Time) {
	old := 0
	for old+1 < len(h.marks) && now.Sub(h.marks[old+1].at) >= h.Life {
		old++
	}
	if old > 0 {
		h.marks = append(h.marks[:0], h.marks[old:]...)
	}
}
