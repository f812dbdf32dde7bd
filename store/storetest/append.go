package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

func appendComparesAndSets(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("cas"))
	s.put(t, m, put("a", "1"), put("b", "1"))
	for _, prev := range []topics.Position{
		{},
		{Epoch: m.head.Genesis},
		{Epoch: m.head.Genesis, Version: m.head.Version},
		{Epoch: m.head.Epoch, Version: m.head.Version - 1},
		{Epoch: m.head.Epoch, Version: m.head.Version + 1},
	} {
		other := *m
		other.head.Position = prev
		if _, err := s.Store.Append(s.ctx(), m.topic, other.commit([]change{put("c", "x")})); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Append at %v of a topic at %v: %v; want ErrConflict", prev, m.head.Position, err)
		}
	}
	s.check(t, m)
	s.put(t, m, put("c", "1"))
	s.check(t, m)
}

func appendIsAtomic(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("atomic"))
	c := m.commit([]change{put("a", "1"), put("b", "1"), put("a", "2"), custom("x")}, []change{del("b")})
	c.Outcomes = []store.LaneOutcome{
		{Lane: store.LaneKey{User: "u", Client: "c"}, Outcome: outcome(1, 4)},
		{Lane: store.LaneKey{User: "u", Client: "c"}, Outcome: outcome(2, 5)},
	}
	c.Keys = []store.KeyOutcome{{Key: store.IdempotencyKey{User: "u", Key: "k"}, Outcome: outcome(0, 5)}}
	s.append(t, m, c)
	s.check(t, m)

	refused := m.commit([]change{put("z", "1"), put("y", "1")})
	refused.Prev.Version--
	for i := range refused.Events {
		refused.Events[i].Version--
		refused.Events[i].End--
	}
	refused.Outcomes = []store.LaneOutcome{{Lane: store.LaneKey{User: "u", Client: "c"}, Outcome: outcome(3, 7)}}
	if _, err := s.Store.Append(s.ctx(), m.topic, refused); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("Append of a stale commit: %v; want ErrConflict", err)
	}
	s.check(t, m)
	if _, ok := s.row(t, m.topic, "z"); ok {
		t.Error("a refused commit left a row")
	}
}

// concurrentAppends lets writers race for every version: exactly one wins each.
func concurrentAppends(t *testing.T, s *harness) {
	const writers, each = 8, 12
	topic := topicNamed("race")
	var mu sync.Mutex
	won := map[topics.Version]string{}
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				id := fmt.Sprintf("w%d-%d", w, n)
				v, err := s.appendRacing(topic, id)
				if err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				mu.Lock()
				if other, twice := won[v]; twice {
					t.Errorf("version %d was given to %s and %s (P1)", v, other, id)
				}
				won[v] = id
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, e := range s.read(t, topic, 0, store.Budget{}) {
		if won[e.Version] != e.EntityID {
			t.Errorf("version %d holds %q; its writer was told %q (P2)", e.Version, e.EntityID, won[e.Version])
		}
	}
	if h := s.head(t, topic); h.Version != writers*each || h.Rows != writers*each {
		t.Errorf("head %+v; want version and rows %d", h, writers*each)
	}
}

// appendRacing adds a row, beginning again whenever another writer was first.
func (s *harness) appendRacing(topic store.Topic, id string) (topics.Version, error) {
	for {
		h, err := s.Store.Head(s.ctx(), topic)
		if err != nil {
			return 0, err
		}
		m := newModel(topic, h)
		h, err = s.Store.Append(s.ctx(), topic, m.commit([]change{put(id, "x")}))
		if !errors.Is(err, store.ErrConflict) {
			return h.Version, err
		}
	}
}

// manyTopics appends to many topics at once, one conflict among them: it fails alone.
func manyTopics(t *testing.T, s *harness) {
	var all sync.WaitGroup
	for n := range 24 {
		all.Go(func() {
			m := newModel(topicNamed(fmt.Sprint("many", n)), store.Head{})
			h, err := s.Store.Head(s.ctx(), m.topic)
			if err != nil {
				t.Error(err)
				return
			}
			m.head = h
			for step := range 10 {
				c := m.commit([]change{put(fmt.Sprint("e", step%3), fmt.Sprint(step))})
				if n%6 == 5 && step == 5 {
					stale := c
					stale.Prev.Epoch = m.head.Genesis
					if _, err := s.Store.Append(s.ctx(), m.topic, stale); !errors.Is(err, store.ErrConflict) {
						t.Errorf("stale append: %v; want ErrConflict", err)
					}
				}
				h, err := s.Store.Append(s.ctx(), m.topic, c)
				if err != nil {
					t.Errorf("%s step %d: %v", m.topic, step, err)
					return
				}
				m.apply(c, h.Epoch)
			}
			s.check(t, m)
		})
	}
	all.Wait()
}

func malformedCommits(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("malformed"))
	s.put(t, m, put("a", "1"), put("b", "1"), del("b"))
	bend := func(what string, how func(c *store.Commit)) {
		c := m.commit([]change{put("a", "2"), put("n", "1")})
		how(&c)
		if _, err := s.Store.Append(s.ctx(), m.topic, c); !errors.Is(err, store.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", what, err)
		}
	}
	bend("a hole in the versions", func(c *store.Commit) { c.Events[1].Version++ })
	bend("a repeated version", func(c *store.Commit) { c.Events[1].Version-- })
	bend("an end outside the commit", func(c *store.Commit) { c.Events[1].End++ })
	bend("ends that cross", func(c *store.Commit) { c.Events[0].End--; c.Events[0].End-- })
	bend("no kind", func(c *store.Commit) { c.Events[0].Kind = 0 })
	bend("no entity", func(c *store.Commit) { c.Events[0].EntityID = "" })
	bend("replaces another version", func(c *store.Commit) { c.Events[0].Replaces = 2 })
	bend("replaces nothing, though there is an entry", func(c *store.Commit) { c.Events[0].Replaces = 0 })
	bend("replaces an entry that is not there", func(c *store.Commit) { c.Events[1].Replaces = 1 })
	bend("a span outside its bytes", func(c *store.Commit) { c.Events[0].Data.End = 1 << 20 })
	bend("an outcome without seq", func(c *store.Commit) {
		c.Outcomes = []store.LaneOutcome{{Outcome: topics.Outcome{Status: topics.StatusApplied}}}
	})
	bend("a reject that says nothing", func(c *store.Commit) {
		c.Outcomes = []store.LaneOutcome{{Outcome: topics.Outcome{Seq: 1, Status: topics.StatusRejected}}}
	})
	s.check(t, m)
}

func tooLargeCommits(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("large"))
	big := func(n int) string { return string(bytes.Repeat([]byte("x"), n)) }
	over := m.commit([]change{put("a", big(store.MaxEventBytes))})
	if _, err := s.Store.Append(s.ctx(), m.topic, over); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("an event past its bound: %v; want ErrTooLarge", err)
	}
	half := big(store.MaxCommitBytes / 2)
	over = m.commit([]change{put("a", half), put("b", half)})
	if _, err := s.Store.Append(s.ctx(), m.topic, over); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("a commit past its bound: %v; want ErrTooLarge", err)
	}
	s.check(t, m)
	s.append(t, m, m.commit([]change{put("a", big(store.MaxEventBytes-200))}))
	third := big(store.MaxCommitBytes/3 - 200)
	s.append(t, m, m.commit([]change{put("a", third), put("b", third), put("c", third)}))
	s.check(t, m)
}
