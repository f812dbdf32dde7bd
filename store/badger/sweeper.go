package badger

import (
	"sync"
	"time"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
)

// Bounds of background removal: so many keys per commit, and a pause after each,
// which leaves the committer to the appends.
const (
	sweepKeys  = 256
	sweepLooks = 4096 // keys looked at per commit, removed or not
	sweepPause = 5 * time.Millisecond
)

// sweeper removes deleted incarnations. It has a goroutine only while there is
// something to remove; Close waits for it.
type sweeper struct {
	mu      sync.Mutex
	running bool
	again   bool // something was deleted since the running one began to look
	done    sync.WaitGroup
}

// start makes sure that what is garbage now will be swept.
func (w *sweeper) start(s *Store) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.again = true; w.running {
		return
	}
	w.running = true
	w.done.Go(func() {
		for w.more() {
			if err := s.sweepAll(); err != nil {
				s.log.Warn("removing a deleted topic stopped; it goes on at the next open", "error", err)
				w.stop()
				return
			}
		}
	})
}

// more reports whether the goroutine shall look once more, and ends it if not.
func (w *sweeper) more() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.again = w.again, false
	return w.running
}

func (w *sweeper) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = false
}

func (w *sweeper) wait() { w.done.Wait() }

// sweepAll removes every incarnation that is garbage, or as many as Close allows.
func (s *Store) sweepAll() error {
	for !s.ending() {
		garbage, err := s.nextGarbage()
		if err != nil || garbage == nil {
			return err
		}
		if err := s.sweepOne(garbage); err != nil {
			return err
		}
	}
	return nil
}

// nextGarbage is the key of some garbage record, or nil.
func (s *Store) nextGarbage() ([]byte, error) {
	v := s.viewAt(s.durable.Load())
	defer v.close()
	prefix := []byte{spaceGarbage}
	var found []byte
	err := v.scan(prefix, prefix, func(key []byte, _ *bdg.Item) (bool, error) {
		found = append([]byte(nil), key...)
		return false, nil
	})
	return found, err
}

// sweepOne removes an incarnation, batch by batch, and last its garbage record.
func (s *Store) sweepOne(garbage []byte) error {
	prefix := append([]byte{spaceData}, garbage[1:]...)
	from := prefix
	for {
		if s.ending() {
			return nil
		}
		var next []byte
		err := s.do(store.Topic{}, func(v view) (*job, error) {
			var j job
			next = nil
			err := v.scan(prefix, from, func(key []byte, _ *bdg.Item) (bool, error) {
				if len(j.writes) == sweepKeys {
					next = append([]byte(nil), key...)
					return false, nil
				}
				j.writes = append(j.writes, write{key: append([]byte(nil), key...)})
				return true, nil
			})
			if next == nil {
				j.writes = append(j.writes, write{key: garbage})
			}
			return &j, err
		})
		if err != nil || next == nil {
			return err
		}
		from = next
		s.pause()
	}
}

// ending reports whether Close has begun.
func (s *Store) ending() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// pause leaves the committer alone for a while.
func (s *Store) pause() { s.waitFor(sweepPause) }
