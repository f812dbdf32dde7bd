package badger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	bdg "github.com/dgraph-io/badger/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/internal/epoch"
)

// Store is a [store.Store] on disk. It is safe for concurrent use.
type Store struct {
	// Fixed after Open.
	opts        Options
	clock       func() time.Time
	log         *slog.Logger
	db          *bdg.DB
	ledger      *ledger
	incarnation epoch.Incarnation
	opened      uint64 // commit number at Open: older timestamps were another process's

	// life is held for reading by every call and for writing by Close.
	life    sync.RWMutex
	closed  bool
	closing chan struct{} // closed when Close begins: long calls and the sweeper end
	stop    sync.Once     // closes closing

	durable atomic.Uint64         // the newest commit that is proven; what reads see
	failed  atomic.Pointer[error] // why no Append is taken any more; nil while they are

	heads *lru.Cache[store.Topic, head] // newest heads of topics that are written to; only the committer adds

	entries
	tallies
	expiry
	pulse
	committer
	runs
	space
	sweeper  sweeper
	scrubber scrubber
	quarantine
}

var _ store.Store = (*Store)(nil)

// enter begins a call: it fails once the store is closed. The caller leaves with
// s.life.RUnlock.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.life.RLock()
	if s.closed {
		s.life.RUnlock()
		return store.ErrClosed
	}
	return nil
}

// Append commits c to the topic. Commits that wait at the same time become one
// Badger transaction.
func (s *Store) Append(ctx context.Context, topic store.Topic, c store.Commit) (store.Head, error) {
	if err := c.Check(); err != nil {
		return store.Head{}, err
	}
	if err := s.enter(ctx); err != nil {
		return store.Head{}, err
	}
	defer s.life.RUnlock()
	if err := s.writable(topic); err != nil {
		return store.Head{}, err
	}
	r, err := s.plan(topic, c)
	if err != nil {
		return store.Head{}, err
	}
	s.space.wrote.Add(int64(r.bytes))
	s.submit(r)
	return r.result, r.err
}

// writable refuses writes that must not be tried.
func (s *Store) writable(topic store.Topic) error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	if err := s.quarantine.of(topic); err != nil {
		return err
	}
	return s.space.check()
}

// fail makes this and every later Append answer that the outcome is unknown. Badger
// gives no more to tell than that: an error can follow a write that was applied.
func (s *Store) fail(what string, cause error) error {
	err := fmt.Errorf("%w: %s: %w", store.ErrOutcomeUnknown, what, cause)
	if s.failed.CompareAndSwap(nil, &err) {
		s.log.Error("a storage call failed; no commit is taken until the store is opened again", "call", what, "error", cause)
	}
	return *s.failed.Load()
}

// Close waits for the calls under way and makes everything durable. Long ones,
// compaction, the sweeper and the scrubber, end early.
func (s *Store) Close() error {
	s.stop.Do(func() { close(s.closing) })
	s.life.Lock()
	if s.closed {
		s.life.Unlock()
		return nil
	}
	s.closed = true
	s.life.Unlock()
	s.sweeper.wait()
	s.scrubber.wait()
	err := s.db.Close()
	if err == nil && s.failed.Load() == nil {
		err = s.ledger.prove(proof{commit: s.newest, digest: s.sum, async: s.opts.Durability == Async, clean: true})
	}
	return errors.Join(err, s.ledger.close())
}
