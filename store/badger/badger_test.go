package badger_test

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/store/storetest"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func contract(t *testing.T, durability badger.Durability) {
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		c := newClock()
		opts := badger.Options{Dir: t.TempDir(), Clock: c.Now, Durability: durability}
		s := open(t, opts)
		return storetest.Subject{
			Store: s,
			Reopen: func(t *testing.T) store.Store {
				closeStore(t, s)
				s = open(t, opts)
				return s
			},
			Advance: c.Advance,
		}
	})
}

func TestContract(t *testing.T) { contract(t, badger.Sync) }

func TestContractAsync(t *testing.T) { contract(t, badger.Async) }

// A store that is closed has no goroutine left, Badger's neither.
func TestNoGoroutineIsLeft(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := open(t, badger.Options{Dir: t.TempDir()})
	closeStore(t, s)
}

func open(t testing.TB, opts badger.Options) *badger.Store {
	t.Helper()
	s, err := badger.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func closeStore(t testing.TB, s *badger.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
