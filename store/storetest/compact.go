package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// checkFloor: a floor does not fall, is not above what was asked for unless it was,
// and is the end of a commit.
func checkFloor(t tb, what string, was, asked, got topics.Version, m *model) {
	t.Helper()
	if got < was || got > max(was, asked) {
		t.Fatalf("%s floor went from %d to %d; asked for %d", what, was, got, asked)
	}
	if slices.Contains(m.boundaries, got) {
		return
	}
	t.Fatalf("%s floor %d is not a commit boundary of %v", what, got, m.boundaries)
}

func floors(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("floors"), 40)
	for asked := topics.Version(0); asked <= m.head.Version+3; asked += 3 {
		got := s.compact(t, m, store.Floors{Retention: asked, Tombstones: asked / 2})
		if asked <= m.head.Version && asked > 2 && got.Retention+3 < asked {
			t.Errorf("asked for %d, the floor is %d: no commit of this history is that long", asked, got.Retention)
		}
		s.check(t, m)
	}
	for asked := m.head.Tombstones; asked <= m.head.Version; asked++ { // where the log is gone already
		s.compact(t, m, store.Floors{Retention: m.head.Version, Tombstones: asked})
	}
	s.check(t, m)
	was := m.head.Floors
	if got := s.compact(t, m, store.Floors{}); got != was {
		t.Errorf("floors fell from %+v to %+v", was, got)
	}
	if got := s.compact(t, m, store.Floors{Retention: m.head.Version, Tombstones: m.head.Version}); got.Tombstones != m.head.Version {
		t.Errorf("floors at the head are %+v", got)
	}
	s.check(t, m)
	s.put(t, m, put("after", "1"))
	s.check(t, m)
}

// compactedTombstones: an entity whose tombstone is gone is written again, by a
// commit decided before and by one decided after the compaction.
func compactedTombstones(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("tombs"))
	s.put(t, m, put("a", "1"), put("b", "1"), del("a"), del("b"), put("c", "1"))
	decided := m.commit([]change{put("a", "2")})
	s.compact(t, m, store.Floors{Retention: 5, Tombstones: 5})
	if e, ok := s.row(t, m.topic, "a"); ok {
		t.Errorf("a compacted tombstone is still there: %+v", e)
	}
	s.append(t, m, decided)
	s.check(t, m)
	s.put(t, m, put("b", "2"), put("a", "3"), del("a"))
	s.check(t, m)
	s.checkLaw(t, m)
}

// deleteTakesEverything: nothing of the old incarnation shows in the new one, not
// even while the old one is being swept away.
func deleteTakesEverything(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("delete"))
	lane, key := store.LaneKey{User: "u", Client: "c"}, store.IdempotencyKey{User: "u", Key: "k"}
	for round := range 3 {
		c := m.commit([]change{put("a", fmt.Sprint(round)), put(fmt.Sprint("only", round), "x"), custom("c")})
		c.Outcomes = []store.LaneOutcome{{Lane: lane, Outcome: outcome(1, c.Events[2].Version)}}
		c.Keys = []store.KeyOutcome{{Key: key, Outcome: outcome(0, 3)}}
		s.append(t, m, c)
		s.put(t, m, put("b", "1"))
		s.check(t, m)
		s.delete(t, m)
		s.check(t, m)
		s.sameLane(t, m.topic, lane, store.Lane{})
		if _, ok, err := s.Store.Key(s.ctx(), m.topic, key); ok || err != nil {
			t.Errorf("a deleted topic knows a key (%v)", err)
		}
		if _, ok := s.row(t, m.topic, "a"); ok {
			t.Error("a deleted topic has a row")
		}
		if round == 1 {
			s.reopen(t)
			s.check(t, m)
		}
	}
	s.delete(t, m)
	s.check(t, m)
}
