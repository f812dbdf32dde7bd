package statesync

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

const gifts = topics.Name("gift-list:1")

// house is an engine over a memory store, for one test.
type house struct {
	t      *testing.T
	store  *memory.Store
	engine *Engine
}

func newHouse(t *testing.T, limits Limits) *house {
	t.Helper()
	s := memory.New(memory.Options{})
	e := New(Options{Store: s, Limits: limits})
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	return &house{t: t, store: s, engine: e}
}

func identity(user string) Identity {
	return Identity{Tenant: topics.DefaultTenant, User: user, Grants: AllowAll{}}
}

// reader is a session whose output the test takes by hand.
type reader struct {
	t       *testing.T
	session *Session
	woken   chan struct{}
}

func (h *house) open(user string, form Form) *reader {
	h.t.Helper()
	return h.openWith(SessionOptions{Identity: identity(user), Form: form})
}

func (h *house) openWith(o SessionOptions) *reader {
	h.t.Helper()
	r := &reader{t: h.t, woken: make(chan struct{}, 1)}
	o.Wake = func() {
		select {
		case r.woken <- struct{}{}:
		default:
		}
	}
	s, err := h.engine.Open(context.Background(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(s.Close)
	r.session = s
	return r
}

// say sends frames to the session.
func (r *reader) say(frames ...string) {
	r.t.Helper()
	if err := r.session.Receive(context.Background(), []byte(strings.Join(frames, "\n"))); err != nil {
		r.t.Fatalf("Receive: %v", err)
	}
}

// drain takes lines until the session has nothing more to say.
func (r *reader) drain() []string {
	r.t.Helper()
	var lines []string
	for {
		out, err := r.session.Next(context.Background(), nil)
		if err != nil {
			r.t.Fatalf("Next: %v", err)
		}
		if len(out) == 0 {
			return lines
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")...)
	}
}

// await drains until a line holds each of the texts, in this order, and returns all
// lines so far.
func (r *reader) await(texts ...string) []string {
	r.t.Helper()
	var lines []string
	deadline := time.After(12 * time.Second)
	for {
		lines = append(lines, r.drain()...)
		if containsInOrder(lines, texts) {
			return lines
		}
		select {
		case <-r.woken:
		case <-deadline:
			r.t.Fatalf("no %q in time; got\n%s", texts, strings.Join(lines, "\n"))
		}
	}
}

// catchUp feeds the replica until it is at the topic's head.
func (r *reader) catchUp(replica *client.Replica, topic topics.Name) {
	r.t.Helper()
	deadline := time.After(12 * time.Second)
	for {
		feed(r.t, replica, r.drain())
		head, err := r.session.engine.Position(context.Background(), r.session.Identity(), topic)
		if err != nil {
			r.t.Fatal(err)
		}
		if replica.Position == head && replica.Consistent == head.Version {
			return
		}
		select {
		case <-r.woken:
		case <-deadline:
			r.t.Fatalf("the replica is at %v, shown %d; the topic is at %v", replica.Position, replica.Consistent, head)
		}
	}
}

func containsInOrder(lines, texts []string) bool {
	for _, line := range lines {
		if len(texts) > 0 && strings.Contains(line, texts[0]) {
			texts = texts[1:]
		}
	}
	return len(texts) == 0
}

// want fails unless the lines are, one by one, those that begin or go on as told:
// each want is a text that its line contains.
func (r *reader) want(wants ...string) {
	r.t.Helper()
	lines := r.drain()
	if len(lines) != len(wants) {
		r.t.Fatalf("got %d lines, want %d:\n%s", len(lines), len(wants), strings.Join(lines, "\n"))
	}
	for i, want := range wants {
		if !strings.Contains(lines[i], want) {
			r.t.Errorf("line %d is\n%s\nwant in it\n%s", i, lines[i], want)
		}
	}
}

// do decides one mutation of the server's own, and waits until cursors can read it: its
// answer may come a moment earlier.
func (h *house) do(changes ...topics.Change) topics.Version {
	h.t.Helper()
	return h.doOn(gifts, changes...)
}

func (h *house) doOn(topic topics.Name, changes ...topics.Change) topics.Version {
	h.t.Helper()
	a, err := h.engine.Mutate(context.Background(), identity("server"), topics.Mutation{Topic: topic, Changes: changes})
	if err != nil || a.Reject != nil {
		h.t.Fatalf("Mutate: %v %v", err, a.Reject)
	}
	tp := h.engine.registry.use(h.engine.key(identity("server"), topic))
	defer h.engine.registry.release(tp)
	tp.position() // it is answered under the lock under which the tail grows
	return a.Version
}

func put(id, payload string) topics.Change {
	return topics.Change{EntityID: id, Payload: json.RawMessage(payload)}
}

func remove(id string) topics.Change { return topics.Change{Op: topics.OpDelete, EntityID: id} }

func custom(event string) topics.Change {
	return topics.Change{Op: topics.OpNone, Event: event, Payload: json.RawMessage(`{}`)}
}

// rows are the server's rows as text, id=payload, sorted.
func (h *house) rows(topic topics.Name) string {
	h.t.Helper()
	page, err := h.engine.Snapshot(context.Background(), identity("server"), topic, 0, "")
	if err != nil {
		h.t.Fatal(err)
	}
	frames, err := client.ParseFrames(page.Frame)
	if err != nil {
		h.t.Fatal(err)
	}
	replica := client.NewReplica()
	replica.Apply(frames[0])
	return shown(replica)
}

func shown(r *client.Replica) string {
	rows := r.Rows()
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "%s=%s@%d\n", id, rows[id].Payload, rows[id].Version)
	}
	return b.String()
}

// feed applies lines to a replica and returns the last effect.
func feed(t *testing.T, r *client.Replica, lines []string) client.Effect {
	t.Helper()
	last := client.Ignored
	for _, line := range lines {
		frames, err := client.ParseFrames([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if effect := r.Apply(f); effect != client.Ignored {
				last = effect
			}
		}
	}
	return last
}
