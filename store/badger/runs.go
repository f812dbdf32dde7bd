package badger

import (
	"sync"
	"time"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/internal/horizon"
)

// runs keeps the timestamps of runs readable: Badger may discard only what was
// superseded longer than RunLife ago. There are no pins to forget.
type runs struct {
	mu      sync.Mutex
	horizon horizon.Horizon
	discard uint64 // what Badger was told last
}

// note says that commit became readable at now, and lets Badger discard what no
// run can ask for any more.
func (r *runs) note(now time.Time, commit uint64, db *bdg.DB) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.horizon.Life = store.RunLife
	r.horizon.Note(now, commit)
	if ts := r.horizon.At(now); ts > r.discard {
		r.discard = ts
		db.SetDiscardTs(ts)
	}
}

// readable reports whether a run may still read at ts. It holds for a read that
// has already happened, if it is asked after it.
func (r *runs) readable(now time.Time, ts uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ts >= r.discard && ts >= r.horizon.At(now)
}
