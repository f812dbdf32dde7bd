package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lockstep-sync/lockstep/store"
)

// handle is a timestamp somebody holds, and what it must show.
type handle struct {
	at   store.Timestamp
	head store.Head
	want []store.Event
	age  time.Duration
}

// randomRuns hands out timestamps while a topic is written to, compacted, deleted
// and left alone for random times. A timestamp shows its own state for RunLife, and
// after that its own state or ErrRunExpired: never another one.
func randomRuns(t *testing.T, s *harness) {
	var n atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		m := s.open(rt, topicNamed(fmt.Sprint("runs", n.Add(1))))
		var held []*handle
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 11).Draw(rt, "step") {
			case 0:
				s.delete(rt, m)
			case 1:
				s.compact(rt, m, drawFloors(rt, m))
			case 2, 3, 4:
				held = append(held, s.hold(rt, m))
			case 5, 6, 7:
				d := time.Duration(rapid.IntRange(100, 45_000).Draw(rt, "pause")) * time.Millisecond
				s.Advance(d)
				for _, h := range held {
					h.age += d
				}
			default:
				s.append(rt, m, drawCommit(rt, m))
			}
			for _, h := range held {
				s.checkHandle(rt, m, h)
			}
		}
	})
}

func (s *harness) hold(t tb, m *model) *handle {
	t.Helper()
	page, err := s.Store.Last(s.ctx(), m.topic, 0, 0, store.Budget{Events: 1})
	if err != nil {
		t.Fatalf("Last: %v", err)
	}
	return &handle{at: page.At, head: m.head, want: m.last(0)}
}

func (s *harness) checkHandle(t tb, m *model, h *handle) {
	t.Helper()
	page, err := s.Store.Last(s.ctx(), m.topic, 0, h.at, store.Budget{})
	if errors.Is(err, store.ErrRunExpired) && h.age > store.RunLife {
		return
	}
	if err != nil {
		t.Fatalf("a run of %v at %d: %v", h.age, h.at, err)
	}
	if page.Head != h.head {
		t.Fatalf("a run of %v shows the head\n%+v; it began with\n%+v", h.age, page.Head, h.head)
	}
	sameEvents(t, "a run held", page.Events, h.want)
}
