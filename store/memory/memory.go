package memory

import (
	"context"
	"sync"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/internal/epoch"
	"github.com/lockstep-sync/lockstep/store/internal/horizon"
	"github.com/lockstep-sync/lockstep/topics"
)

// Options of a store. The zero value works.
type Options struct {
	Clock func() time.Time // nil: time.Now
	// Incarnation fixes the epochs, so that a seeded test repeats them; zero: random.
	Incarnation [32]byte
	// Fault is asked before every Append, by its number from 1; nil: never fail.
	Fault func(call uint64) Fault
}

// Fault is how an Append is made to fail.
type Fault uint8

// The faults. After the two unknown ones the store is as rule 12 says: reopen it.
const (
	NoFault        Fault = iota
	Full                 // ErrFull; nothing changes
	UnknownLost          // ErrOutcomeUnknown, and the commit is not there
	UnknownApplied       // ErrOutcomeUnknown, and the commit is there
)

// Store is a [store.Store] in memory. It is safe for concurrent use.
type Store struct {
	clock func() time.Time
	fault func(uint64) Fault
	epoch epoch.Incarnation

	mu      sync.Mutex
	topics  map[store.Topic]*topic
	commit  uint64 // number of the newest commit; 1 in an empty store, since timestamp 0 means now
	handed  uint64 // newest timestamp given to a caller
	calls   uint64 // of Append
	horizon horizon.Horizon
	down    error // ErrClosed or ErrOutcomeUnknown; nil while it works
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New(opts Options) *Store {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.Incarnation == ([32]byte{}) {
		opts.Incarnation = epoch.New()
	}
	s := &Store{
		clock: opts.Clock, fault: opts.Fault, epoch: opts.Incarnation,
		topics: make(map[store.Topic]*topic), commit: 1,
		horizon: horizon.Horizon{Life: store.RunLife},
	}
	s.horizon.Note(s.clock(), s.commit)
	return s
}

// Reopen closes s, if it is not closed yet, and returns a store with what s held:
// what a restarted server would find.
func (s *Store) Reopen() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = store.ErrClosed
	next := New(Options{Clock: s.clock, Fault: s.fault, Incarnation: s.epoch})
	next.topics, s.topics = s.topics, nil
	next.commit, next.handed, next.calls = s.commit, s.handed, s.calls
	next.horizon.Note(s.clock(), s.commit)
	return next
}

// Close makes every later call fail with ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = store.ErrClosed
	return nil
}

// Append commits c: rules 1, 3, 4.
func (s *Store) Append(ctx context.Context, name store.Topic, c store.Commit) (store.Head, error) {
	if err := ctx.Err(); err != nil {
		return store.Head{}, err
	}
	if err := c.Check(); err != nil {
		return store.Head{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return store.Head{}, s.down
	}
	fault := s.nextFault()
	switch fault {
	case Full:
		return store.Head{}, store.ErrFull
	case UnknownLost:
		s.down = store.ErrOutcomeUnknown
		return store.Head{}, s.down
	case NoFault, UnknownApplied:
	}
	t := s.find(name)
	if c.Prev != t.head.Position {
		return store.Head{}, store.ErrConflict
	}
	if err := t.check(c); err != nil {
		return store.Head{}, err
	}
	s.begin(name, t)
	if t.birth == 0 {
		t.birth = s.commit
		t.head.Epoch = s.epoch.Of(name, t.birth)
	}
	t.apply(c)
	if fault == UnknownApplied {
		s.down = store.ErrOutcomeUnknown
		return store.Head{}, s.down
	}
	return t.head, nil
}

func (s *Store) nextFault() Fault {
	s.calls++
	if s.fault == nil {
		return NoFault
	}
	return s.fault(s.calls)
}

// find is the topic, or a genesis one that nobody holds yet: looking costs nothing.
func (s *Store) find(name store.Topic) *topic {
	if t, ok := s.topics[name]; ok {
		return t
	}
	return newTopic(s.epoch.Of(name, 0))
}

// begin starts a commit that changes t, after keeping t's state for the runs that
// may still ask for it.
func (s *Store) begin(name store.Topic, t *topic) {
	now := s.clock()
	t.keepPast(s.handed, s.commit)
	t.dropPast(s.horizon.At(now))
	s.commit++
	t.changed = s.commit
	s.topics[name] = t
	s.horizon.Note(now, s.commit)
}

// Delete ends the topic's incarnation.
func (s *Store) Delete(ctx context.Context, name store.Topic) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return s.down
	}
	t, ok := s.topics[name]
	if !ok || t.birth == 0 {
		return nil
	}
	s.begin(name, t)
	fresh := newTopic(s.epoch.Of(name, s.commit))
	fresh.past, fresh.changed = t.past, t.changed
	s.topics[name] = fresh
	return nil
}

// Compact raises the floors: rule 10.
func (s *Store) Compact(ctx context.Context, name store.Topic, floors store.Floors) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return s.down
	}
	t := s.find(name)
	next := t.boundaries(floors)
	if next == t.head.Floors {
		return nil
	}
	s.begin(name, t)
	t.compact(next)
	return nil
}

// timestamp is now, handed to a caller.
func (s *Store) timestamp() store.Timestamp {
	s.handed = s.commit
	return store.Timestamp(s.commit)
}

// position is what a topic without commits and one with them have in common.
func position(e topics.Epoch, v topics.Version) topics.Position {
	return topics.Position{Epoch: e, Version: v}
}
