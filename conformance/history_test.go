package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// history is a topic with the states that it went through.
type history struct {
	t      *testing.T
	rand   *rand.Rand
	clock  atomic.Int64 // seconds of the engine's clock, which its goroutines read too
	engine *statesync.Engine
	live   *client.Replica
	feed   *statesync.Session
	woken  chan struct{} // the feed has something to say
	cuts   []cut
	states map[topics.Version]string // what the server had, at each end of a mutation
	events []client.Event
	writes int
	deltas int // so many events came without the row that they make
}

// cut is where somebody stopped.
type cut struct {
	at   topics.Position
	rows map[string]client.Row
}

func newHistory(t *testing.T, limits statesync.Limits, retention statesync.Retention) *history {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := &history{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)),
		live: client.NewReplica(), states: make(map[topics.Version]string), woken: make(chan struct{}, 1),
	}
	h.clock.Store(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC).Unix())
	h.engine = statesync.New(statesync.Options{
		Store: memory.New(memory.Options{}), Limits: limits, Clock: func() time.Time { return time.Unix(h.clock.Load(), 0) },
		Retention: func(string) statesync.Retention { return retention },
	})
	t.Cleanup(func() {
		if err := h.engine.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	h.feed = h.open(func() {
		select {
		case h.woken <- struct{}{}:
		default:
		}
	})
	h.say(h.feed, `{"type":"subscribe","topics":[{"topic":"gift-list:1","version":0,"mode":"every"}]}`)
	return h
}

func (h *history) identity() statesync.Identity {
	return statesync.Identity{Tenant: topics.DefaultTenant, User: "alice", Grants: statesync.AllowAll{}}
}

func (h *history) open(wake func()) *statesync.Session {
	h.t.Helper()
	s, err := h.engine.Open(h.t.Context(), statesync.SessionOptions{Identity: h.identity(), Form: statesync.FormFrames, Wake: wake})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.Close)
	return s
}

func (h *history) say(s *statesync.Session, text string) {
	h.t.Helper()
	if err := s.Receive(h.t.Context(), []byte(text)); err != nil {
		h.t.Fatal(err)
	}
}

// hear is all that a session has to say now.
func (h *history) hear(s *statesync.Session) []client.Frame {
	h.t.Helper()
	var frames []client.Frame
	for {
		out, err := s.Next(h.t.Context(), nil)
		if err != nil {
			h.t.Fatal(err)
		}
		if len(out) == 0 {
			return frames
		}
		more, err := client.ParseFrames(out)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, f := range more {
			for _, e := range f.Events {
				if e.Patch != nil && e.Data.Payload == nil {
					h.deltas++
				}
			}
		}
		frames = append(frames, more...)
	}
}

// write makes so many mutations on few rows, and a cut after each.
func (h *history) write(n int) {
	h.t.Helper()
	for range n {
		h.writes++
		h.clock.Add(1)
		var changes []topics.Change
		for range 1 + h.rand.IntN(2)*h.rand.IntN(3) {
			c := topics.Change{EntityID: fmt.Sprintf("g%d", h.rand.IntN(7)), Payload: json.RawMessage(fmt.Sprintf(`{"n":%d}`, h.writes))}
			_, exists := h.live.Row(c.EntityID)
			patches := exists && !slices.ContainsFunc(changes, func(other topics.Change) bool { return other.EntityID == c.EntityID })
			switch op := h.rand.IntN(9); {
			case op == 0:
				c.Op, c.Payload = topics.OpDelete, nil
			case op < 4 && patches:
				c.Op, c.Payload = topics.OpPatch, json.RawMessage(fmt.Sprintf(`{"p%d":%d}`, op, h.writes))
			case op == 4 && patches:
				c.Op, c.Payload = topics.OpJSONPatch, json.RawMessage(fmt.Sprintf(`[{"op":"add","path":"/j","value":%d}]`, h.writes))
			case op == 5:
				c = topics.Change{Op: topics.OpNone, Event: "tick", Payload: json.RawMessage(`{}`)}
			}
			changes = append(changes, c)
		}
		a, err := h.engine.Mutate(h.t.Context(), h.identity(), topics.Mutation{Topic: listed, Changes: changes})
		if err != nil || a.Reject != nil {
			h.t.Fatal(err, a.Reject)
		}
		h.keepUp(a.Version)
		h.states[a.Version] = shownRows(h.live)
		h.cuts = append(h.cuts, cut{h.live.Position, h.live.Rows()})
	}
}

// keepUp follows the feed to a version. An answer may come before the feed is woken.
func (h *history) keepUp(version topics.Version) {
	h.t.Helper()
	for late := time.After(patient); ; {
		for _, f := range h.hear(h.feed) {
			h.live.Apply(f)
			h.events = append(h.events, f.Events...)
		}
		if h.live.Consistent == version {
			return
		}
		select {
		case <-h.woken:
		case <-late:
			h.t.Fatalf("the feed is at %d after version %d", h.live.Consistent, version)
		}
	}
}

func (h *history) compact() {
	h.t.Helper()
	h.clock.Add(60)
	if err := h.engine.Compact(h.t.Context(), store.Topic{Tenant: topics.DefaultTenant, Name: listed}); err != nil {
		h.t.Fatal(err)
	}
}

// since is how many events of rows there were after a version, and of how many.
func (h *history) since(v topics.Version) (events, entities int) {
	changed := make(map[string]struct{})
	for _, e := range h.events {
		if e.Version > v && e.Op != "none" {
			events++
			changed[e.Data.EntityID] = struct{}{}
		}
	}
	return events, len(changed)
}

func (c cut) replica(t *testing.T) *client.Replica {
	t.Helper()
	r := client.NewReplica()
	f := client.Frame{Type: "snapshot", Topic: listed, Epoch: c.at.Epoch, Version: c.at.Version, To: c.at.Version}
	for _, id := range slices.Sorted(maps.Keys(c.rows)) {
		f.Rows = append(f.Rows, client.Data{EntityID: id, Version: c.rows[id].Version, Payload: c.rows[id].Payload})
	}
	if effect := r.Apply(f); effect != client.Shown || strings.Count(shownRows(r), "@") != len(c.rows) {
		t.Fatalf("the cut at %v cannot be shown", c.at)
	}
	return r
}
