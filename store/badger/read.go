package badger

import (
	"context"
	"fmt"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// begin opens a view of the newest proven commit for a call about one topic. The
// caller ends with the function it returns.
func (s *Store) begin(ctx context.Context, topic store.Topic) (view, func(), error) {
	if err := s.enter(ctx); err != nil {
		return view{}, nil, err
	}
	if err := s.quarantine.of(topic); err != nil {
		s.life.RUnlock()
		return view{}, nil, err
	}
	v := s.viewAt(s.durable.Load())
	return v, func() { v.close(); s.life.RUnlock() }, nil
}

// Head is the topic's present head.
func (s *Store) Head(ctx context.Context, topic store.Topic) (store.Head, error) {
	v, end, err := s.begin(ctx, topic)
	if err != nil {
		return store.Head{}, err
	}
	defer end()
	h, err := v.head(topic)
	return h.Head, err
}

// Read returns events in log order. What it returns is contiguous from after+1, or
// it is a DamageError that names the first version that is not there.
func (s *Store) Read(ctx context.Context, topic store.Topic, after topics.Version, budget store.Budget) (store.Page, error) {
	v, end, err := s.begin(ctx, topic)
	if err != nil {
		return store.Page{}, err
	}
	defer end()
	h, err := v.head(topic)
	if err != nil {
		return store.Page{}, err
	}
	page := store.Page{Head: h.Head, At: store.Timestamp(v.ts)}
	switch {
	case after < h.Retention:
		return store.Page{}, store.ErrCompacted
	case after >= h.Version:
		return page, nil
	}
	if err := v.readLog(topic, h, after, budget, &page); err != nil {
		return store.Page{}, err
	}
	return page, nil
}

func (v view) readLog(topic store.Topic, h head, after topics.Version, budget store.Budget, page *store.Page) error {
	want := after
	err := v.events(topic, h.birth, kindLog, after, budget, page, func(e store.Event) error {
		if want++; e.Version != want {
			return v.s.damaged(topic, want, fmt.Sprintf("the log goes on with version %d", e.Version))
		}
		return nil
	})
	if err == nil && !page.More && want != h.Version {
		return v.s.damaged(topic, want+1, fmt.Sprintf("the log ends there, but the head is at %d", h.Version))
	}
	return err
}

// events fills the page with events of a kind after a version, within the budget,
// and hands each to check first.
func (v view) events(topic store.Topic, birth uint64, kind byte, after topics.Version, budget store.Budget, page *store.Page, check func(store.Event) error) error {
	meter := store.Meter{Budget: budget}
	from := appendVersion(dataPrefix(topic, birth), kind, after+1)
	return v.scan(from[:len(from)-versionBytes], from, func(key []byte, item *bdg.Item) (bool, error) {
		if meter.Full() {
			page.More = true
			return false, nil
		}
		var e store.Event
		err := item.Value(func(record []byte) (err error) {
			e, err = decodeEvent(key, record)
			return err
		})
		if err != nil {
			return false, v.s.damaged(topic, versionOf(key), err.Error())
		}
		if err := check(e); err != nil {
			return false, err
		}
		if !meter.Take(len(e.JSON)) {
			page.More = true
			return false, nil
		}
		page.Events = append(page.Events, e)
		return true, nil
	})
}

// Last returns entries of the last list as of one timestamp.
func (s *Store) Last(ctx context.Context, topic store.Topic, after topics.Version, at store.Timestamp, budget store.Budget) (store.Page, error) {
	v, end, err := s.begin(ctx, topic)
	if err != nil {
		return store.Page{}, err
	}
	defer func() { end() }()
	if at != 0 {
		if at := uint64(at); at < s.opened || at > v.ts || !s.runs.readable(s.clock(), at) {
			return store.Page{}, store.ErrRunExpired
		}
		if uint64(at) != v.ts {
			v.close()
			v = s.viewAt(uint64(at))
			end = func() { v.close(); s.life.RUnlock() }
		}
	}
	h, err := v.head(topic)
	if err != nil {
		return store.Page{}, err
	}
	page := store.Page{Head: h.Head, At: store.Timestamp(v.ts)}
	if h.birth == 0 || after > h.Version {
		return page, nil
	}
	if err := v.readLast(topic, h, after, budget, &page); err != nil {
		return store.Page{}, err
	}
	// Asked again now: what was read had not been discarded meanwhile.
	if !s.runs.readable(s.clock(), v.ts) {
		return store.Page{}, store.ErrRunExpired
	}
	return page, s.tallies.prove(s, topic, h, after, page)
}

func (v view) readLast(topic store.Topic, h head, after topics.Version, budget store.Budget, page *store.Page) error {
	return v.events(topic, h.birth, kindLast, after, budget, page, func(e store.Event) error {
		if e.Version > h.Version || e.Kind == store.KindCustom {
			return v.s.damaged(topic, e.Version, fmt.Sprintf("the last list has it, but the head is at %d", h.Version))
		}
		return nil
	})
}
