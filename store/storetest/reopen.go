package storetest

import (
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// reopenAfterEveryStep restarts the store after each kind of step: what was
// acknowledged is there, epochs are the same, and the next append fits (P2, P12).
func reopenAfterEveryStep(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("reopen"))
	lane := store.LaneKey{User: "u", Client: "c"}
	steps := []func(){
		func() {},
		func() { s.put(t, m, put("a", "1")) },
		func() { s.append(t, m, m.commit([]change{put("b", "1"), put("a", "2"), custom("x")})) },
		func() {
			c := m.commit([]change{del("a")})
			c.Outcomes = []store.LaneOutcome{{Lane: lane, Outcome: outcome(1, c.Events[0].Version)}}
			s.append(t, m, c)
		},
		func() { s.compact(t, m, store.Floors{Retention: 4, Tombstones: 1}) },
		func() {
			c := m.commit()
			c.Outcomes = []store.LaneOutcome{{Lane: lane, Outcome: outcome(2, m.head.Version)}}
			s.append(t, m, c)
		},
		func() { s.put(t, m, put("a", "3"), put("c", "1")) },
		func() { s.compact(t, m, store.Floors{Retention: 6, Tombstones: 6}) },
		func() { s.delete(t, m) },
		func() { s.put(t, m, put("a", "again")) },
	}
	for i, step := range steps {
		step()
		s.reopen(t)
		s.check(t, m)
		if t.Failed() {
			t.Fatalf("after step %d", i)
		}
	}
}

// eventsComeBack: every field of every kind of event is what was written, but for
// Customs, which the store fills in.
func eventsComeBack(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("fields"))
	c := m.commit([]change{put("a", "1"), put("ünï", "2"), custom("c")}, []change{del("a"), custom("d")})
	for i := range c.Events {
		c.Events[i].Customs = 999 // ignored
		c.Events[i].Millis += int64(i)
	}
	s.append(t, m, c)
	s.check(t, m)
	s.put(t, m, put("a", "back"), custom("e"))
	s.check(t, m)
	got := s.read(t, m.topic, 0, store.Budget{})
	if got[6].Customs != 3 || got[6].Replaces != 0 || got[5].Replaces != 4 {
		t.Errorf("events %+v: customs or replaces are wrong", got[5:])
	}
	if string(got[0].PayloadJSON()) != `"1"` || got[3].PayloadJSON() != nil {
		t.Errorf("payloads %s, %s", got[0].PayloadJSON(), got[3].PayloadJSON())
	}
}

// epochs: one per incarnation, never seen before, the same after a restart.
func epochs(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("epochs"))
	seen := map[topics.Epoch]bool{}
	for range 4 {
		genesis := m.head.Genesis
		if seen[genesis] {
			t.Fatalf("genesis epoch %s was used before", genesis)
		}
		seen[genesis] = true
		s.put(t, m, put("a", "1"))
		if _, err := topics.ParseEpoch(string(m.head.Epoch)); err != nil {
			t.Fatal(err)
		}
		if seen[m.head.Epoch] {
			t.Fatalf("epoch %s was used before", m.head.Epoch)
		}
		seen[m.head.Epoch] = true
		epoch := m.head.Epoch
		s.reopen(t)
		s.put(t, m, put("a", "2"))
		if m.head.Epoch != epoch || m.head.Genesis != genesis {
			t.Fatalf("a restart changed the epoch")
		}
		s.delete(t, m)
		s.check(t, m)
	}
	other := s.open(t, topicNamed("epochs2"))
	if seen[other.head.Genesis] {
		t.Error("two topics share a genesis epoch")
	}
}

func genesis(t *testing.T, s *harness) {
	topic := topicNamed("nobody")
	h := s.head(t, topic)
	if h.Epoch != h.Genesis || h.Version != 0 || h.Rows != 0 || h.Millis != 0 || h.Floors != (store.Floors{}) {
		t.Errorf("head of a topic without commits: %+v", h)
	}
	if again := s.head(t, topic); again != h {
		t.Errorf("genesis changed: %+v, %+v", h, again)
	}
	if _, err := topics.ParseEpoch(string(h.Genesis)); err != nil {
		t.Error(err)
	}
	m := newModel(topic, h)
	s.check(t, m)
	s.compact(t, m, store.Floors{Retention: 9, Tombstones: 9})
	s.delete(t, m)
	s.reopen(t)
	s.check(t, m)
	if _, ok := s.row(t, topic, "a"); ok {
		t.Error("a topic without commits has a row")
	}
}

func (s *harness) delete(t tb, m *model) {
	t.Helper()
	if err := s.Store.Delete(s.ctx(), m.topic); err != nil {
		t.Fatalf("Delete %s: %v", m.topic, err)
	}
	h := s.head(t, m.topic)
	if had := m.head.Epoch != m.head.Genesis; had == (h.Genesis == m.head.Genesis) {
		t.Fatalf("%s: the genesis epoch was %s, and is %s after Delete", m.topic, m.head.Genesis, h.Genesis)
	}
	m.reset(h.Genesis)
}
