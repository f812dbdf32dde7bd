package statesync

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// disk is the engine's store, which can be replaced. A storage call that failed
// leaves the outcome of its commit unknown, and the store takes no more commits
// (rule 12 of package store). Then sessions are told goodbye, the store is reopened
// while calls wait, and the clients' resends settle what happened by their lanes
// (P3).
type disk struct {
	reopen func(context.Context) (store.Store, error) // nil: it cannot be; fixed

	failing sync.Mutex // held by the one who reopens; TryLock finds out whether somebody does

	mu      sync.RWMutex // read: a call is under way; written: the store is being replaced
	current store.Store
	gone    error // why there is no store any more; nil while there is one

	// replaced counts the stores before the current one. What was decided by looking
	// at two of them is no decision.
	replaced atomic.Uint64
}

var _ store.Store = (*disk)(nil)

var errNoStore = errors.New("the store failed and cannot be opened again")

// with runs one call against the store that is open now.
func with[T any](d *disk, call func(store.Store) (T, error)) (T, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.gone != nil {
		var none T
		return none, d.gone
	}
	return call(d.current)
}

// replace closes the store and opens it again. Calls that begin meanwhile wait.
func (d *disk) replace(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.current.Close() // it has failed already; what counts is what opens
	d.gone = errNoStore
	if d.reopen == nil {
		return errNoStore
	}
	s, err := d.reopen(ctx)
	if err != nil {
		return err
	}
	d.current, d.gone = s, nil
	d.replaced.Add(1)
	return nil
}

// storeFailed is told of a commit whose outcome is unknown. It returns at once; one
// failure starts one reopening: commits that fail because of it, or are heard of when
// the store has been replaced, start none.
func (e *Engine) storeFailed(cause error) {
	if !e.disk.failing.TryLock() {
		return
	}
	if !e.disk.uses(cause) {
		e.disk.failing.Unlock()
		return
	}
	e.log.Error("a storage call failed; the store is being reopened", "error", cause)
	e.background.Go(func() {
		defer e.disk.failing.Unlock()
		for _, s := range e.openSessions() {
			s.end(topics.Errorf(topics.CodeOutcomeUnknown, "", "a storage call failed; connect again and resend what is unanswered"))
		}
		if err := e.disk.replace(e.lifetime); err != nil {
			e.log.Error("the store cannot be opened again", "error", err)
			e.storeGone(err)
			return
		}
		e.registry.reload(e.lifetime)
		e.log.Info("the store is open again")
	})
}

// failure is an unknown outcome and the store it came from.
type failure struct {
	error
	store store.Store
}

// Unwrap is the store's own error.
func (f *failure) Unwrap() error { return f.error }

// uses reports whether the store that failed is still the one in use.
func (d *disk) uses(cause error) bool {
	var f *failure
	d.mu.RLock()
	defer d.mu.RUnlock()
	return errors.As(cause, &f) && d.current == f.store
}

func (d *disk) Append(ctx context.Context, t store.Topic, c store.Commit) (store.Head, error) {
	return with(d, func(s store.Store) (store.Head, error) {
		head, err := s.Append(ctx, t, c)
		if errors.Is(err, store.ErrOutcomeUnknown) {
			err = &failure{err, s}
		}
		return head, err
	})
}

func (d *disk) Head(ctx context.Context, t store.Topic) (store.Head, error) {
	return with(d, func(s store.Store) (store.Head, error) { return s.Head(ctx, t) })
}

func (d *disk) Read(ctx context.Context, t store.Topic, after topics.Version, most store.Budget) (store.Page, error) {
	return with(d, func(s store.Store) (store.Page, error) { return s.Read(ctx, t, after, most) })
}

func (d *disk) Last(ctx context.Context, t store.Topic, after topics.Version, at store.Timestamp, most store.Budget) (store.Page, error) {
	return with(d, func(s store.Store) (store.Page, error) { return s.Last(ctx, t, after, at, most) })
}

// found carries what Row and Key return besides their error.
type found[T any] struct {
	value T
	ok    bool
}

func (d *disk) Row(ctx context.Context, t store.Topic, entityID string) (store.Event, bool, error) {
	f, err := with(d, func(s store.Store) (found[store.Event], error) {
		e, ok, err := s.Row(ctx, t, entityID)
		return found[store.Event]{e, ok}, err
	})
	return f.value, f.ok, err
}

func (d *disk) Lane(ctx context.Context, t store.Topic, lane store.LaneKey) (store.Lane, error) {
	return with(d, func(s store.Store) (store.Lane, error) { return s.Lane(ctx, t, lane) })
}

func (d *disk) Key(ctx context.Context, t store.Topic, key store.IdempotencyKey) (topics.Outcome, bool, error) {
	f, err := with(d, func(s store.Store) (found[topics.Outcome], error) {
		o, ok, err := s.Key(ctx, t, key)
		return found[topics.Outcome]{o, ok}, err
	})
	return f.value, f.ok, err
}

func (d *disk) Compact(ctx context.Context, t store.Topic, floors store.Floors) error {
	_, err := with(d, func(s store.Store) (struct{}, error) { return struct{}{}, s.Compact(ctx, t, floors) })
	return err
}

func (d *disk) Delete(ctx context.Context, t store.Topic) error {
	_, err := with(d, func(s store.Store) (struct{}, error) { return struct{}{}, s.Delete(ctx, t) })
	return err
}

func (d *disk) Topics(ctx context.Context, after store.Topic, most int) ([]store.Topic, error) {
	return with(d, func(s store.Store) ([]store.Topic, error) { return s.Topics(ctx, after, most) })
}

// Close closes the store that is open now. Only an engine that opened it itself,
// by Reopen, has to.
func (d *disk) Close() error {
	_, err := with(d, func(s store.Store) (struct{}, error) { return struct{}{}, s.Close() })
	return err
}
