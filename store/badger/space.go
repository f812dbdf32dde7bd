package badger

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// The guard's defaults: writes stop below the smaller of the two.
const (
	minFreeShare = 20 // one part in
	minFreeBytes = 1 << 30
	minFreeOpen  = 2 * memTableBytes // Open makes a log of this size at once
	spaceEvery   = time.Second       // how old an answer of the file system may be
)

// space refuses writes before the disk is full: a full disk reaches Badger as a
// signal that ends the process. Reads go on.
type space struct {
	dir   string
	least int64 // Options.MinFree
	clock func() time.Time
	ask   func(dir string) (free, total uint64, err error)

	wrote atomic.Int64 // bytes given to Badger since the file system was asked

	mu    sync.Mutex
	asked time.Time
	full  error // the answer to writes; nil: there is room
}

// askAfter is how many bytes may be written before the file system is asked again,
// whatever the time: they cost several times their size while tables are merged.
const askAfter = 4 << 20

func (g *space) init(opts Options) {
	g.dir, g.least, g.clock, g.ask = opts.Dir, opts.MinFree, time.Now, opts.seams.free
}

// check answers ErrFull while there is too little room.
func (g *space) check() error {
	if g.least < 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.clock(); g.asked.IsZero() || now.Sub(g.asked) >= spaceEvery || g.wrote.Load() > askAfter {
		g.asked, g.full = now, g.look()
		g.wrote.Store(0)
	}
	return g.full
}

// openable refuses to open where Badger would run out of space at once.
func (g *space) openable() error {
	if g.least < 0 {
		return nil
	}
	if free, _, err := g.ask(g.dir); err == nil && free < minFreeOpen {
		return fmt.Errorf("%w: %d MiB are free in %s; opening the store takes %d MiB", store.ErrFull, free>>20, g.dir, minFreeOpen>>20)
	}
	return nil
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
