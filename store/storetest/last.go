package storetest

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// runShowsOneState writes between the pages of a run: the run shows the state it
// began with, with nothing of what came later (P4).
func runShowsOneState(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("run"), 30)
	for _, after := range []topics.Version{0, 1, m.head.Version / 2} {
		want, head, n := m.last(after), m.head, 0
		got, at := s.run(t, m.topic, after, store.Budget{Events: 2}, func() {
			n++
			s.put(t, m, put(want[len(want)-1].EntityID, fmt.Sprint("moved", n)), put(fmt.Sprint("born", after, n), "x"), del(want[0].EntityID))
			if n == 2 {
				s.compact(t, m, store.Floors{Retention: m.head.Version, Tombstones: m.head.Version})
			}
		})
		sameEvents(t, fmt.Sprintf("run from %d", after), got, want)
		if at != head {
			t.Errorf("the run's head is %+v; want %+v", at, head)
		}
	}
	s.check(t, m)
}

func runSurvivesDelete(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("gone"), 20)
	want, head, n := m.last(0), m.head, 0
	got, at := s.run(t, m.topic, 0, store.Budget{Events: 3}, func() {
		if n++; n == 1 {
			s.delete(t, m)
		} else {
			s.put(t, m, put(fmt.Sprint("fresh", n), "x"))
		}
	})
	sameEvents(t, "run over a deleted topic", got, want)
	if at != head {
		t.Errorf("the run's head is %+v; want %+v", at, head)
	}
	s.check(t, m)
}

// runsExpire: a timestamp is readable for RunLife, and refused at some time after
// the store has moved on, never answered with another state (rule 8).
func runsExpire(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("expire"), 12)
	want := m.last(0)
	page, err := s.Store.Last(s.ctx(), m.topic, 0, 0, store.Budget{Events: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(2 * time.Second)
	s.put(t, m, put("new", "x"), put(want[2].EntityID, "moved"))
	s.Advance(store.RunLife - 3*time.Second)
	rest, err := s.Store.Last(s.ctx(), m.topic, want[0].Version, page.At, store.Budget{})
	if err != nil {
		t.Fatalf("within its life: %v", err)
	}
	sameEvents(t, "run within its life", rest.Events, want[1:])
	for range 3 {
		s.put(t, m, put("new", "x"))
		s.Advance(store.RunLife)
	}
	if _, err := s.Store.Last(s.ctx(), m.topic, 0, page.At, store.Budget{}); !errors.Is(err, store.ErrRunExpired) {
		t.Errorf("long after: %v; want ErrRunExpired", err)
	}
	if _, err := s.Store.Last(s.ctx(), m.topic, 0, page.At+1e9, store.Budget{}); !errors.Is(err, store.ErrRunExpired) {
		t.Errorf("a timestamp of the future: %v; want ErrRunExpired", err)
	}
}

// compactionLaw: for every cut v at or above the tombstone floor, rows(v) + Last(v)
// is rows(head); for v = 0 from nothing. It holds at every stage of compaction.
func compactionLaw(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("law"), 45)
	s.checkLaw(t, m)
	for _, f := range []store.Floors{{Retention: 10}, {Retention: 30, Tombstones: 9}, {Retention: 31, Tombstones: 31}, {Retention: m.head.Version, Tombstones: m.head.Version}} {
		s.compact(t, m, f)
		s.checkLaw(t, m)
		s.check(t, m)
	}
}

func (s *harness) checkLaw(t tb, m *model) {
	t.Helper()
	want := rows(m.log)
	list := s.last(t, m.topic, 0, store.Budget{Events: 4})
	if got := rows(list); !maps.Equal(got, want) {
		t.Fatalf("the last list from nothing gives %v; want %v", got, want)
	}
	for cut := m.head.Tombstones; cut <= m.head.Version; cut++ {
		got := rows(m.log[:cut])
		applyRows(got, s.last(t, m.topic, cut, store.Budget{}))
		if !maps.Equal(got, want) {
			t.Fatalf("rows at %d and the last list after it give %v; want %v (floors %+v)", cut, got, want, m.head.Floors)
		}
	}
}

// resumeCosts: after many updates of few entities a resume brings one event each (P10).
func resumeCosts(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("cost"))
	for n := range 120 {
		s.append(t, m, m.commit([]change{put(fmt.Sprint("e", n%5), fmt.Sprint(n)), custom("noise")}))
	}
	if got := s.last(t, m.topic, 3, store.Budget{}); len(got) != 5 {
		t.Errorf("%d events cross; want 5", len(got))
	}
	s.compact(t, m, store.Floors{Retention: m.head.Version, Tombstones: m.head.Version})
	if got := s.last(t, m.topic, 3, store.Budget{}); len(got) != 5 {
		t.Errorf("%d events cross after compaction; want 5", len(got))
	}
	s.check(t, m)
}
