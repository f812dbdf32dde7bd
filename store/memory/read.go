package memory

import (
	"context"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Head is the topic's present head.
func (s *Store) Head(ctx context.Context, name store.Topic) (store.Head, error) {
	t, unlock, err := s.look(ctx, name)
	if err != nil {
		return store.Head{}, err
	}
	defer unlock()
	return t.head, nil
}

// Read returns events in log order: rule 7.
func (s *Store) Read(ctx context.Context, name store.Topic, after topics.Version, budget store.Budget) (store.Page, error) {
	t, unlock, err := s.look(ctx, name)
	if err != nil {
		return store.Page{}, err
	}
	defer unlock()
	if after < t.head.Retention {
		return store.Page{}, store.ErrCompacted
	}
	page := store.Page{Head: t.head, At: s.timestamp()}
	if after >= t.head.Version {
		return page, nil
	}
	meter := store.Meter{Budget: budget}
	for _, e := range t.log[after-t.head.Retention:] {
		if page.More = !meter.Take(len(e.JSON)); page.More {
			break
		}
		page.Events = append(page.Events, e)
	}
	return page, nil
}

// Last returns entries of the last list as of one timestamp: rule 8.
func (s *Store) Last(ctx context.Context, name store.Topic, after topics.Version, at store.Timestamp, budget store.Budget) (store.Page, error) {
	t, unlock, err := s.look(ctx, name)
	if err != nil {
		return store.Page{}, err
	}
	defer unlock()
	switch {
	case at == 0:
		at = s.timestamp()
	case uint64(at) < s.horizon.At(s.clock()) || uint64(at) > s.commit:
		return store.Page{}, store.ErrRunExpired
	}
	head, last := t.at(uint64(at))
	page := store.Page{Head: head, At: at}
	meter := store.Meter{Budget: budget}
	last.Ascend(store.Event{Version: after + 1}, func(e store.Event) bool {
		if page.More = !meter.Take(len(e.JSON)); page.More {
			return false
		}
		page.Events = append(page.Events, e)
		return true
	})
	return page, nil
}

// Row returns the entity's entry of the last list.
func (s *Store) Row(ctx context.Context, name store.Topic, entityID string) (store.Event, bool, error) {
	t, unlock, err := s.look(ctx, name)
	if err != nil {
		return store.Event{}, false, err
	}
	defer unlock()
	version, ok := t.entity[entityID]
	if !ok {
		return store.Event{}, false, nil
	}
	e, ok := t.last.Get(store.Event{Version: version})
	return e, ok, nil
}

// Lane returns what is recorded of a lane.
func (s *Store) Lane(ctx context.Context, name store.Topic, lane store.LaneKey) (store.Lane, error) {
	t, unlock, err := s.look(ctx, name)
	if err != nil {
		return store.Lane{}, err
	}
	defer unlock()
	return t.lanes[lane], nil
}

// Key returns the outcome recorded under an idempotency key.
func (s *Store) Key(ctx context.Context, name store.Topic, key store.IdempotencyKey) (topics.Outcome, bool, error) {
	t, unlock, err := s.look(ctx, name)
	if err != nil {
		return topics.Outcome{}, false, err
	}
	defer unlock()
	o, ok := t.keys[key]
	return o, ok, nil
}

// look locks the store for a read of one topic. Reads go on after an unknown
// outcome: what they show had been durable.
func (s *Store) look(ctx context.Context, name store.Topic) (*topic, func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	if s.down == store.ErrClosed { //nolint:errorlint // set by us, never wrapped
		s.mu.Unlock()
		return nil, nil, store.ErrClosed
	}
	return s.find(name), s.mu.Unlock, nil
}
