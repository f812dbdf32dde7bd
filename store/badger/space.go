package badger

import (
	"fmt"
	"sync"
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// The guard's defaults: writes stop below the smaller of the two.
const (
	minFreeShare = 20 // one part in
	minFreeBytes = 1 << 30
	spaceEvery   = time.Second // how old an answer of the file system may be
)

// space refuses writes before the disk is full: a full disk reaches Badger as a
// signal that ends the process. Reads go on.
type space struct {
	dir   string
	least int64 // Options.MinFree
	clock func() time.Time
	ask   func(dir string) (free, total uint64, err error)

	mu    sync.Mutex
	asked time.Time
	full  error // the answer to writes; nil: there is room
}

func (g *space) init(s *Store) {
	g.dir, g.least, g.clock, g.ask = s.opts.Dir, s.opts.MinFree, time.Now, s.opts.seams.free
}

// check answers ErrFull while there is too little room.
func (g *space) check() error {
	if g.least < 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.clock(); g.asked.IsZero() || now.Sub(g.asked) >= spaceEvery {
		g.asked, g.full = now, g.look()
	}
	return g.full
}

func (g *space) look() error {
	free, total, err := g.ask(g.dir)
	if err != nil {
		return nil //nolint:nilerr // a file system that does not tell is not full; the write will
	}
	least := uint64(g.least)
	if least == 0 {
		least = min(total/minFreeShare, minFreeBytes)
	}
	if free < least {
		return fmt.Errorf("%w: %d MiB are free; writes go on at %d MiB", store.ErrFull, free>>20, least>>20)
	}
	return nil
}
