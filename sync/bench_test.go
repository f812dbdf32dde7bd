package statesync

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// hall is an engine over a memory store with many sessions.
type hall struct {
	tb       testing.TB
	store    *memory.Store
	engine   *Engine
	sessions []*Session
	buffer   []byte
}

func newHall(tb testing.TB, limits Limits) *hall {
	tb.Helper()
	s := memory.New(memory.Options{})
	e := New(Options{Store: s, Limits: limits, Retention: func(string) Retention { return Retention{Forever: true} }})
	tb.Cleanup(func() { _ = e.Close(context.Background()) })
	return &hall{tb: tb, store: s, engine: e, buffer: make([]byte, 0, 1<<20)}
}

func (h *hall) write(changes ...topics.Change) topics.Position {
	a, err := h.engine.Mutate(context.Background(), identity("server"), topics.Mutation{Topic: gifts, Changes: changes})
	if err != nil || a.Reject != nil {
		h.tb.Fatalf("Mutate: %v %v", err, a.Reject)
	}
	at, err := h.engine.WaitVersion(context.Background(), identity("server"), gifts, a.Version) // answered is not yet published
	if err != nil {
		h.tb.Fatal(err)
	}
	return at
}

// join opens a session that follows the topic; nil: from nothing.
func (h *hall) join(at *topics.Position, mode frame.Mode) *Session {
	s, err := h.engine.Open(context.Background(), SessionOptions{Identity: identity("reader")})
	if err != nil {
		h.tb.Fatal(err)
	}
	h.tb.Cleanup(s.Close)
	s.Subscribe(context.Background(), []frame.Want{{Topic: string(gifts), Position: at, Mode: mode, Silent: true}})
	return s
}

// drain takes all that a session has to say, and returns how many bytes and events.
func (h *hall) drain(s *Session) (size, events int) {
	for {
		out, err := s.Next(context.Background(), h.buffer[:0])
		if err != nil {
			h.tb.Fatal(err)
		}
		if len(out) == 0 {
			return size, events
		}
		size += len(out)
		events += bytes.Count(out, []byte(`{"version":`))
	}
}

// fill opens sessions that are up to date.
func (h *hall) fill(n int) {
	at := h.write(put("g1", `{"n":-1}`))
	for len(h.sessions) < n {
		s := h.join(&at, frame.ModeLatest)
		h.drain(s)
		h.sessions = append(h.sessions, s)
	}
}

// deliver makes one commit and takes it from every session.
func (h *hall) deliver(i int) {
	h.write(put("g1", fmt.Sprintf(`{"n":%d,"text":"a value of some length, as a small row has"}`, i)))
	for _, s := range h.sessions {
		if out, err := s.Next(context.Background(), h.buffer[:0]); err != nil || len(out) == 0 {
			h.tb.Fatalf("a session has nothing to say: %v", err)
		}
	}
}

// One commit to cursors that are up to date, Next included.
func BenchmarkDelivery(b *testing.B) {
	const cursors = 10_000
	h := newHall(b, Limits{})
	h.fill(cursors)
	h.deliver(-1)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		h.deliver(i)
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/cursors, "ns/cursor")
}

// P9: delivering a commit to one more cursor that is up to date allocates nothing.
func TestDeliveryAllocatesNothingPerCursor(t *testing.T) {
	h := newHall(t, Limits{})
	count := func(cursors int) float64 {
		h.fill(cursors)
		i := 0
		return testing.AllocsPerRun(50, func() { i++; h.deliver(i*cursors + i) })
	}
	few, many := count(10), count(1010)
	if extra := (many - few) / 1000; extra > 0.01 {
		t.Errorf("%.0f allocations for 10 cursors, %.0f for 1,010: %.2f for each more", few, many, extra)
	}
}

// updates makes so many updates over 50 entities, and returns where they began.
func (h *hall) updates(n int) topics.Position {
	var start topics.Position
	for i := range n/100 + 1 {
		changes := make([]topics.Change, 100)
		for j := range changes {
			changes[j] = put(fmt.Sprint("g", j%50), fmt.Sprintf(`{"n":%d,"text":"a value of some length"}`, i*100+j))
		}
		if at := h.write(changes...); i == 0 {
			start = at
		}
	}
	return start
}

// P10: coming back after 100,000 updates over 50 entities costs 50 events, and a small
// part of the time of replaying all.
func TestResumeIsProportional(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	h := newHall(t, Limits{})
	start := h.updates(n)
	took := func(mode frame.Mode) (events int, best time.Duration) {
		best = time.Hour
		for range 3 {
			begun := time.Now()
			s := h.join(&start, mode)
			_, events = h.drain(s)
			best = min(best, time.Since(begun))
		}
		return events, best
	}
	latest, quick := took(frame.ModeLatest)
	every, slow := took(frame.ModeEvery)
	t.Logf("%d events in %v; replaying all: %d in %v (%.0f times)", latest, quick, every, slow, float64(slow)/float64(quick))
	if latest > 50 || every < n { // the tail begins with a whole commit, of which a piece of the log may have been sent
		t.Errorf("%d events crossed for 50 entities, %d of %d in mode every", latest, every, n)
	}
	if !testing.Short() && slow < 100*quick {
		t.Errorf("coming back took %v, replaying all %v: less than a hundred times", quick, slow)
	}
}

func BenchmarkResume(b *testing.B) {
	h := newHall(b, Limits{})
	start := h.updates(100_000)
	for name, mode := range map[string]frame.Mode{"latest": frame.ModeLatest, "every": frame.ModeEvery} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := h.join(&start, mode)
				h.drain(s)
				s.Close()
			}
		})
	}
}

// A first load of 10,000 entities: kept in memory, read from the store, and as a bare
// iteration of the store.
func BenchmarkSnapshot(b *testing.B) {
	for name, most := range map[string]int{"kept": 0, "store": 1} {
		b.Run(name, func(b *testing.B) {
			h := newHall(b, Limits{SnapshotBytes: most})
			h.rows(10_000)
			first, _ := h.drain(h.join(nil, frame.ModeLatest))
			b.SetBytes(int64(first))
			b.ReportAllocs()
			for b.Loop() {
				s := h.join(nil, frame.ModeLatest)
				h.drain(s)
				s.Close()
			}
		})
	}
	b.Run("bare", func(b *testing.B) {
		h := newHall(b, Limits{})
		h.rows(10_000)
		b.ReportAllocs()
		for b.Loop() {
			b.SetBytes(int64(h.iterate()))
		}
	})
}

func (h *hall) rows(n int) {
	for i := 0; i < n; i += 100 {
		changes := make([]topics.Change, 100)
		for j := range changes {
			changes[j] = put(fmt.Sprint("g", i+j), fmt.Sprintf(`{"n":%d,"text":"a value of some length, as a small row has"}`, i+j))
		}
		h.write(changes...)
	}
}

// iterate reads the last list in pages and copies its bytes, and nothing else.
func (h *hall) iterate() (size int) {
	var after topics.Version
	var as store.Timestamp
	for {
		page, err := h.store.Last(context.Background(), store.Topic{Tenant: topics.DefaultTenant, Name: gifts}, after, as, store.Budget{Bytes: 64 << 10})
		if err != nil {
			h.tb.Fatal(err)
		}
		buffer := h.buffer[:0]
		for _, e := range page.Events {
			buffer = append(buffer, e.JSON...)
			after = e.Version
		}
		size += len(buffer)
		if as = page.At; !page.More {
			return size
		}
	}
}
