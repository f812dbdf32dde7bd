package statesync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Every bound of Limits is tested at it and one step past it (P9). A field without
// a case fails.
func TestLimits(t *testing.T) {
	cases := map[string]func(*testing.T){
		"MessageBytes": messageBytes,
		"PayloadBytes": func(t *testing.T) {
			atAndPast(t, Limits{PayloadBytes: 4}, mutate(`{"entity_id":"x","payload":1234}`), mutate(`{"entity_id":"x","payload":12345}`))
		},
		"Depth": func(t *testing.T) {
			atAndPast(t, Limits{Depth: 5}, mutate(`{"entity_id":"x","payload":[[1]]}`), mutate(`{"entity_id":"x","payload":[[[1]]]}`))
		},
		"Values": func(t *testing.T) {
			atAndPast(t, Limits{Values: 12}, mutate(`{"entity_id":"x","payload":[1,2,3]}`), mutate(`{"entity_id":"x","payload":[1,2,3,4]}`))
		},
		"Changes":         func(t *testing.T) { atAndPast(t, Limits{Changes: 2}, mutate(changes(2)), mutate(changes(3))) },
		"EventBytes":      func(t *testing.T) { atAndPast(t, Limits{EventBytes: 300}, mutate(changes(2)), mutate(changes(5))) },
		"Topics":          topicsPerSession,
		"Answers":         answersWait,
		"InFlight":        func(t *testing.T) { whileBusy(t, Limits{InFlight: 2}, 1, 1, topics.CodeTooManyInFlight) },
		"Inbox":           func(t *testing.T) { whileBusy(t, Limits{Inbox: 2}, 2, 1, topics.CodeOverloaded) },
		"CommitEvents":    func(t *testing.T) { commitSizes(t, Limits{CommitEvents: 2}) },
		"CommitBytes":     func(t *testing.T) { commitSizes(t, Limits{CommitBytes: 200}) },
		"TailCommits":     func(t *testing.T) { tailKeeps(t, Limits{TailCommits: 3}, 3) },
		"TailBytes":       func(t *testing.T) { tailKeeps(t, Limits{TailBytes: 600}, 2) },
		"WarmTopics":      warmTopics,
		"TurnBytes":       func(t *testing.T) { turns(t, Limits{TurnBytes: 1}, 1) },
		"TurnFrames":      func(t *testing.T) { turns(t, Limits{TurnFrames: 2}, 2) },
		"PageBytes":       pageBytes,
		"Signals":         TestSignals,
		"Lanes":           lanesInMemory,
		"SnapshotBytes":   TestKeptSnapshots,
		"PresenceMembers": TestPresence,
		"PresenceBytes":   TestPresence,
	}
	for field := range reflect.TypeFor[Limits]().Fields() {
		name := field.Name
		run := cases[name]
		if run == nil {
			t.Errorf("Limits.%s has no case", name)
			continue
		}
		t.Run(name, run)
	}
}

// mutate is a mutate frame of lane c, whose seq atAndPast fills in.
func mutate(changes string) string {
	return `{"type":"mutate","client":"c","seq":%d,"topic":"a:1","changes":[` + changes + `]}`
}

func changes(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"entity_id":"e%d","payload":1}`, i)
	}
	return strings.Join(list, ",")
}

// atAndPast sends a mutation at a bound, which is applied, and one past it.
func atAndPast(t *testing.T, limits Limits, at, past string) {
	h := newHouse(t, limits)
	s := h.open("alice", FormFrames)
	s.say(fmt.Sprintf(at, 1))
	s.await(`"status":"applied"`)
	s.say(fmt.Sprintf(past, 2))
	s.await(`"code":"too_large"`)
}

func messageBytes(t *testing.T) {
	h := newHouse(t, Limits{MessageBytes: 20})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"ping"}     `)
	s.want(`{"type":"pong"}`)
	if err := s.session.Receive(t.Context(), make([]byte, 21)); topics.AsError(err).Code != topics.CodeTooLarge {
		t.Errorf("past the bound: %v", err)
	}
}

func topicsPerSession(t *testing.T) {
	h := newHouse(t, Limits{Topics: 2})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["a:1","a:2"]}`, `{"type":"subscribe","topics":["a:3"]}`, `{"type":"unsubscribe","topics":["a:1"]}`, `{"type":"subscribe","topics":["a:3"]}`)
	s.await(`"subscribed","topic":"a:2"`, `"code":"too_many_topics"`, `"subscribed","topic":"a:3"`)
}

// At the bound of unwritten answers Receive waits: for Next, or for its context.
func answersWait(t *testing.T) {
	h := newHouse(t, Limits{Answers: 1})
	s := h.open("alice", FormFrames)
	s.say(fmt.Sprintf(mutate(changes(1)), 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.session.Receive(ctx, fmt.Appendf(nil, mutate(changes(1)), 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("one past the bound: %v", err)
	}
	s.await(`"seq":1,`)
	s.say(fmt.Sprintf(mutate(changes(1)), 2))
	s.await(`"seq":2,`)
}

// busy makes a topic whose commit waits until release is called.
func busy(t *testing.T, limits Limits) (h *house, s *reader, release func()) {
	h = newHouse(t, limits)
	entered, leave := make(chan struct{}), make(chan struct{})
	h.engine.Handle("wait", func(tx *Tx, _ json.RawMessage) error {
		close(entered)
		<-leave
		return tx.Put("waited", 1)
	})
	s = h.open("alice", FormFrames)
	s.say(`{"type":"mutate","client":"c","seq":1,"topic":"a:1","name":"wait"}`)
	<-entered
	return h, s, func() { close(leave) }
}

// whileBusy has a topic's commit wait, sends fit more mutations, which are taken,
// and past more, which are refused.
func whileBusy(t *testing.T, limits Limits, fit, past int, code topics.Code) {
	_, s, release := busy(t, limits)
	for i := range fit + past {
		s.say(fmt.Sprintf(mutate(fmt.Sprintf(`{"entity_id":"e%d","payload":1}`, i)), i+2))
	}
	s.await(`"code":"` + string(code) + `"`)
	release()
	lines := s.await(fmt.Sprintf(`"seq":%d,`, fit+1))
	if n := strings.Count(strings.Join(lines, ""), `"status":"applied"`); n != fit+1 {
		t.Errorf("%d were applied, want %d", n, fit+1)
	}
}

// commitSizes has three mutations wait that fit two to a commit.
func commitSizes(t *testing.T, limits Limits) {
	h, s, release := busy(t, limits)
	follower := h.open("bob", FormFrames)
	follower.say(`{"type":"subscribe","topics":["a:1"]}`)
	follower.await(`"type":"snapshot"`)
	for i := range 3 {
		s.say(fmt.Sprintf(mutate(fmt.Sprintf(`{"entity_id":"e%d","payload":1}`, i)), i+2))
	}
	release()
	follower.await(`"from":0,"to":1`, `"from":1,"to":3`, `"from":3,"to":4`)
}

func tailKeeps(t *testing.T, limits Limits, commits int) {
	h := newHouse(t, limits)
	for i := range commits + 1 {
		h.doOn("a:1", put(fmt.Sprintf("e%d", i), `1`))
	}
	head, err := h.engine.WaitVersion(t.Context(), identity("x"), "a:1", topics.Version(commits+1))
	if err != nil {
		t.Fatal(err)
	}
	topic := h.engine.registry.peek(h.engine.key(identity("x"), "a:1"))
	topic.mu.Lock()
	defer topic.mu.Unlock()
	if got := len(topic.tail.commits); got != commits || topic.tail.start != head.Version-topics.Version(commits) {
		t.Errorf("%d commits of %d bytes are kept, from %d on; want %d commits", got, topic.tail.bytes, topic.tail.start, commits)
	}
}

// A topic that nobody uses costs no memory once others have pushed it out.
func warmTopics(t *testing.T) {
	h := newHouse(t, Limits{WarmTopics: 3})
	for i := range 10 {
		h.doOn(topics.Name(fmt.Sprintf("a:%d", i)), put("x", `1`))
	}
	h.settled()
	if n := h.engine.registry.size(); n != 3 {
		t.Errorf("%d topics are in memory, want 3", n)
	}
}

// settled waits until no mutation is under way.
func (h *house) settled() {
	h.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		h.engine.registry.mu.Lock()
		used := len(h.engine.registry.used)
		h.engine.registry.mu.Unlock()
		if used == 0 {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%d topics are still in use", used)
		}
	}
}

func turns(t *testing.T, limits Limits, lines int) {
	h := newHouse(t, limits)
	s := h.open("alice", FormFrames)
	for i := range 5 {
		s.say(fmt.Sprintf(`{"type":"subscribe","topics":["a:%d"]}`, i))
		s.drain()
	}
	for i := range 5 {
		name := topics.Name(fmt.Sprintf("a:%d", i))
		h.doOn(name, put("x", `1`))
		if _, err := h.engine.WaitVersion(t.Context(), identity("x"), name, 1); err != nil {
			t.Fatal(err)
		}
	}
	out, err := s.session.Next(t.Context(), nil)
	if err != nil || strings.Count(string(out), "\n") != lines {
		t.Errorf("one turn has\n%swant %d lines (%v)", out, lines, err)
	}
}

func pageBytes(t *testing.T) {
	h := newHouse(t, Limits{PageBytes: 300})
	h.do(put("e1", `1`), put("e2", `1`), put("e3", `1`))
	var pages []int
	for next := "first"; next != ""; {
		page, err := h.engine.Snapshot(t.Context(), identity("x"), gifts, 0, strings.TrimPrefix(next, "first"))
		if err != nil {
			t.Fatal(err)
		}
		pages, next = append(pages, strings.Count(string(page.Frame), `"entity_id"`)), page.Next
	}
	if !reflect.DeepEqual(pages, []int{2, 1}) {
		t.Errorf("pages of %v rows, want 2 and 1", pages)
	}
}

func lanesInMemory(t *testing.T) {
	h := newHouse(t, Limits{Lanes: 2})
	for round := range 2 {
		for i := range 4 {
			m := topics.Mutation{Topic: "a:1", Client: fmt.Sprint("c", i), Seq: uint64(round + 1), Changes: []topics.Change{put(fmt.Sprint("e", i), fmt.Sprint(round))}} //nolint:gosec // small
			if a, err := h.engine.Mutate(t.Context(), identity("alice"), m); err != nil || a.Status != topics.StatusApplied {
				t.Fatalf("%+v, %v", a, err)
			}
		}
	}
	h.settled()
	if n := h.engine.lanes.recent.Len(); n != 2 {
		t.Errorf("%d lanes are in memory, want 2", n)
	}
}
