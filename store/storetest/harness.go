package storetest

import (
	"context"
	"reflect"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// tb is what testing.T and rapid.T have in common here.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

// harness drives a store and a model in step.
type harness struct {
	Subject
	t *testing.T
}

func (s *harness) ctx() context.Context { return s.t.Context() }

// open starts a model of the topic as the store has it: without commits.
func (s *harness) open(t tb, topic store.Topic) *model {
	t.Helper()
	return newModel(topic, s.head(t, topic))
}

func (s *harness) head(t tb, topic store.Topic) store.Head {
	t.Helper()
	h, err := s.Store.Head(s.ctx(), topic)
	if err != nil {
		t.Fatalf("Head of %s: %v", topic, err)
	}
	return h
}

// append commits c to both and holds the store's answer to the model's.
func (s *harness) append(t tb, m *model, c store.Commit) store.Head {
	t.Helper()
	h, err := s.Store.Append(s.ctx(), m.topic, c)
	if err != nil {
		t.Fatalf("Append to %s at %v: %v", m.topic, c.Prev, err)
	}
	m.apply(c, h.Epoch)
	if h != m.head {
		t.Fatalf("Append to %s answered\n%+v; want\n%+v", m.topic, h, m.head)
	}
	return h
}

// put commits each change as a mutation of its own.
func (s *harness) put(t tb, m *model, changes ...change) {
	t.Helper()
	for _, ch := range changes {
		s.append(t, m, m.commit([]change{ch}))
	}
}

// compact raises the floors and takes over what the store made of them, which must
// be what rule 10 allows.
func (s *harness) compact(t tb, m *model, asked store.Floors) store.Floors {
	t.Helper()
	if err := s.Store.Compact(s.ctx(), m.topic, asked); err != nil {
		t.Fatalf("Compact %+v: %v", asked, err)
	}
	was, got := m.head.Floors, s.head(t, m.topic).Floors
	checkFloor(t, "retention", was.Retention, asked.Retention, got.Retention, m)
	checkFloor(t, "tombstones", was.Tombstones, asked.Tombstones, got.Tombstones, m)
	if got.Tombstones > got.Retention || got.Retention > m.head.Version {
		t.Fatalf("floors %+v at version %d: want tombstones ≤ retention ≤ version", got, m.head.Version)
	}
	m.compact(got)
	return got
}

// check holds everything the store shows of the topic to the model.
func (s *harness) check(t tb, m *model) {
	t.Helper()
	if h := s.head(t, m.topic); h != m.head {
		t.Fatalf("Head of %s is\n%+v; want\n%+v", m.topic, h, m.head)
	}
	sameEvents(t, "log", s.read(t, m.topic, m.head.Retention, store.Budget{}), m.log[m.head.Retention:])
	sameEvents(t, "last list", s.last(t, m.topic, 0, store.Budget{}), m.last(0))
	for id, want := range m.entries {
		if got, ok := s.row(t, m.topic, id); !ok || !sameEvent(got, want) {
			t.Fatalf("Row %q is\n%+v (%v); want\n%+v", id, got, ok, want)
		}
	}
	for key, want := range m.lanes {
		s.sameLane(t, m.topic, key, want)
	}
	for key, want := range m.keys {
		got, ok, err := s.Store.Key(s.ctx(), m.topic, key)
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("Key %v is %+v, %v, %v; want %+v", key, got, ok, err, want)
		}
	}
}

func (s *harness) sameLane(t tb, topic store.Topic, key store.LaneKey, want store.Lane) {
	t.Helper()
	got, err := s.Store.Lane(s.ctx(), topic, key)
	if err != nil {
		t.Fatalf("Lane %v: %v", key, err)
	}
	if len(got.Outcomes) != len(want.Outcomes) || len(want.Outcomes) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("Lane %v is\n%+v; want\n%+v", key, got, want)
	}
}

// read is the log after a version, gathered over pages of the budget.
func (s *harness) read(t tb, topic store.Topic, after topics.Version, budget store.Budget) []store.Event {
	t.Helper()
	var all []store.Event
	for {
		page, err := s.Store.Read(s.ctx(), topic, after, budget)
		if err != nil {
			t.Fatalf("Read %s after %d: %v", topic, after, err)
		}
		for _, e := range page.Events {
			if after++; e.Version != after {
				t.Fatalf("Read %s skips: version %d where %d belongs (P1, P5)", topic, e.Version, after)
			}
		}
		all = append(all, page.Events...)
		if !page.More {
			return all
		}
		progress(t, page, budget)
	}
}

// last is the last list after a version, gathered over a run of pages.
func (s *harness) last(t tb, topic store.Topic, after topics.Version, budget store.Budget) []store.Event {
	t.Helper()
	events, _ := s.run(t, topic, after, budget, func() {})
	return events
}

// run gathers a run of pages, calling between before each but the first.
func (s *harness) run(t tb, topic store.Topic, after topics.Version, budget store.Budget, between func()) ([]store.Event, store.Head) {
	t.Helper()
	var all []store.Event
	var at store.Timestamp
	for {
		page, err := s.Store.Last(s.ctx(), topic, after, at, budget)
		if err != nil {
			t.Fatalf("Last %s after %d at %d: %v", topic, after, at, err)
		}
		if at != 0 && page.At != at {
			t.Fatalf("Last at %d answered as of %d (P4)", at, page.At)
		}
		at = page.At
		for _, e := range page.Events {
			if e.Version <= after {
				t.Fatalf("Last %s goes back: %d after %d", topic, e.Version, after)
			}
			after = e.Version
		}
		all = append(all, page.Events...)
		if !page.More {
			return all, page.Head
		}
		progress(t, page, budget)
		between()
	}
}

func (s *harness) row(t tb, topic store.Topic, id string) (store.Event, bool) {
	t.Helper()
	e, ok, err := s.Store.Row(s.ctx(), topic, id)
	if err != nil {
		t.Fatalf("Row %q of %s: %v", id, topic, err)
	}
	return e, ok
}

// reopen restarts the store.
func (s *harness) reopen(t *testing.T) {
	t.Helper()
	s.Store = s.Reopen(t)
}

func progress(t tb, page store.Page, budget store.Budget) {
	t.Helper()
	size := 0
	for _, e := range page.Events {
		size += len(e.JSON)
	}
	switch {
	case len(page.Events) == 0:
		t.Fatalf("a page with more to come is empty")
	case budget.Events > 0 && len(page.Events) > budget.Events:
		t.Fatalf("a page has %d events; its budget is %d (P9)", len(page.Events), budget.Events)
	case budget.Bytes > 0 && size > budget.Bytes && len(page.Events) > 1:
		t.Fatalf("a page has %d bytes; its budget is %d (P9)", size, budget.Bytes)
	}
}

func sameEvents(t tb, what string, got, want []store.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d events %v; want %d %v", what, len(got), versions(got), len(want), versions(want))
	}
	for i := range got {
		if !sameEvent(got[i], want[i]) {
			t.Fatalf("%s differs at %d:\n%+v; want\n%+v", what, i, got[i], want[i])
		}
	}
}

func sameEvent(got, want store.Event) bool { return reflect.DeepEqual(got, want) }

func versions(events []store.Event) []topics.Version {
	all := make([]topics.Version, len(events))
	for i, e := range events {
		all[i] = e.Version
	}
	return all
}
