package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// readYourWrites: whoever has the answer of an Append finds it in every read (P6).
func readYourWrites(t *testing.T, s *harness) {
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			m := newModel(topicNamed(fmt.Sprint("mine", w)), store.Head{})
			m.head, _ = s.Store.Head(s.ctx(), m.topic)
			for n := range 25 {
				c := m.commit([]change{put("a", fmt.Sprint(n))})
				h, err := s.Store.Append(s.ctx(), m.topic, c)
				if err != nil {
					t.Error(err)
					return
				}
				m.apply(c, h.Epoch)
				e, ok, err := s.Store.Row(s.ctx(), m.topic, "a")
				if err != nil || !ok || e.Version < h.Version {
					t.Errorf("after the answer for %d the row is at %d (%v, %v)", h.Version, e.Version, ok, err)
				}
				if now, err := s.Store.Head(s.ctx(), m.topic); err != nil || now.Version < h.Version {
					t.Errorf("after the answer for %d the head is at %d (%v)", h.Version, now.Version, err)
				}
			}
		})
	}
	all.Wait()
}

// cutAfterEveryEvent stops a reader after every event and lets it resume: it gets
// exactly what follows (P5).
func cutAfterEveryEvent(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("cut"), 40)
	for cut := topics.Version(0); cut <= m.head.Version; cut++ {
		sameEvents(t, fmt.Sprintf("log after %d", cut), s.read(t, m.topic, cut, store.Budget{}), m.log[cut:])
		sameEvents(t, fmt.Sprintf("log after %d in threes", cut), s.read(t, m.topic, cut, store.Budget{Events: 3}), m.log[cut:])
	}
	page, err := s.Store.Read(s.ctx(), m.topic, m.head.Version+5, store.Budget{})
	if err != nil || len(page.Events) != 0 || page.More {
		t.Errorf("Read ahead of the head: %d events, more %v, %v; want an empty page", len(page.Events), page.More, err)
	}
}

func belowTheFloor(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("floor"), 30)
	floors := s.compact(t, m, store.Floors{Retention: 17})
	if floors.Retention == 0 {
		t.Fatal("the floor did not move")
	}
	for v := topics.Version(0); v < floors.Retention; v++ {
		if _, err := s.Store.Read(s.ctx(), m.topic, v, store.Budget{}); !errors.Is(err, store.ErrCompacted) {
			t.Errorf("Read after %d, below the floor %d: %v; want ErrCompacted", v, floors.Retention, err)
		}
	}
	s.check(t, m)
}

func budgets(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("budget"), 25)
	for _, b := range []store.Budget{{Events: 1}, {Events: 4}, {Bytes: 1}, {Bytes: 150}, {Events: 3, Bytes: 200}, {Events: 1000, Bytes: 1 << 20}} {
		sameEvents(t, fmt.Sprintf("log with %+v", b), s.read(t, m.topic, 0, b), m.log)
		sameEvents(t, fmt.Sprintf("last list with %+v", b), s.last(t, m.topic, 0, b), m.last(0))
	}
	page, err := s.Store.Read(s.ctx(), m.topic, 0, store.Budget{Events: int(m.head.Version)})
	if err != nil || page.More {
		t.Errorf("a page that holds everything says more is %v (%v)", page.More, err)
	}
	page, err = s.Store.Last(s.ctx(), m.topic, 0, 0, store.Budget{Events: len(m.last(0))})
	if err != nil || page.More || page.Head != m.head {
		t.Errorf("a run of one page says more is %v at %+v (%v)", page.More, page.Head, err)
	}
}

func anyGoroutine(t *testing.T, s *harness) {
	topic := topicNamed("busy")
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for n := range 10 {
				if _, err := s.appendRacing(topic, fmt.Sprintf("%d-%d", w, n)); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 20 {
				events := s.read(t, topic, 0, store.Budget{Events: 7})
				list := s.last(t, topic, 0, store.Budget{Events: 5})
				if len(list) < len(events) {
					t.Errorf("a later run has %d entries, an earlier log %d", len(list), len(events))
				}
			}
		})
	}
	all.Wait()
}

// history fills a topic with steps of every kind, the same each time.
func (s *harness) history(t tb, topic store.Topic, steps int) *model {
	t.Helper()
	m := s.open(t, topic)
	for n := range steps {
		id := fmt.Sprint("e", n*7%11)
		switch n % 6 {
		case 2:
			s.append(t, m, m.commit([]change{put(id, fmt.Sprint(n)), put("x"+id, "y"), del("x" + id)}))
		case 3:
			s.append(t, m, m.commit([]change{custom(fmt.Sprint("c", n))}, []change{put(id, "two"), put("f", fmt.Sprint(n))}))
		case 4:
			if _, ok := m.entries[id]; ok {
				s.put(t, m, del(id))
				break
			}
			s.put(t, m, put(id, "new"))
		default:
			s.put(t, m, put(id, fmt.Sprint(n)))
		}
	}
	return m
}
