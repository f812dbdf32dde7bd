package statesync

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// claim is the README's mutator: a gift can be claimed once.
func claim(tx *Tx, args json.RawMessage) error {
	var a struct{ ID string }
	if err := json.Unmarshal(args, &a); err != nil {
		return topics.Errorf(topics.CodeInvalid, "args", "need an id")
	}
	value, _, found := tx.Get(a.ID)
	switch {
	case !found:
		return errors.New("there is no such gift")
	case strings.Contains(string(value), "claimed"):
		return errors.New("somebody was faster")
	}
	if err := tx.Emit("gift.claimed", map[string]string{"by": tx.Identity().User}); err != nil {
		return err
	}
	return tx.Patch(a.ID, map[string]string{"claimed_by": tx.Identity().User})
}

// A named mutator runs inside the commit: of two that want the same gift, one gets
// it, and the other's rejection is its error. A panic costs one mutation.
func TestNamedMutators(t *testing.T) {
	h := newHouse(t, Limits{})
	h.engine.Handle("gift.claim", claim)
	h.engine.Handle("boom", func(*Tx, json.RawMessage) error { panic("boom") })
	h.do(put("g1", `{"title":"kite"}`))
	alice, bob := h.open("alice", FormFrames), h.open("bob", FormFrames)
	const rest = `,"topic":"gift-list:1","name":"gift.claim","args":{"id":"g1"}}`
	alice.say(`{"type":"mutate","client":"a","seq":1` + rest)
	alice.await(`"version":3,"status":"applied"`)
	bob.say(`{"type":"mutate","client":"b","seq":1`+rest, `{"type":"mutate","client":"b","seq":2,"topic":"gift-list:1","name":"boom"}`,
		`{"type":"mutate","client":"b","seq":3,"topic":"gift-list:1","name":"nobody.knows"}`,
		`{"type":"mutate","client":"b","seq":4,"topic":"gift-list:1","name":"gift.claim","args":{"id":"g1"},"changes":[]}`)
	bob.await(`"code":"rejected","field":"name","message":"somebody was faster"`, `"code":"rejected"`, `"code":"unknown_type","field":"name"`, `"code":"invalid","field":"changes"`)
	if got, want := h.rows(gifts), `g1={"title":"kite","claimed_by":"alice"}@3`+"\n"; got != want {
		t.Errorf("rows = %s, want %s", got, want)
	}
}

// Hooks look in where they say, and what they refuse is final.
func TestHooks(t *testing.T) {
	var told []string
	no := func(what string) error { return topics.Errorf(topics.CodeForbidden, "", "%s", what) }
	e := New(Options{Store: memory.New(memory.Options{}), Hooks: Hooks{
		Connect: func(_ context.Context, id Identity) error {
			if id.User == "mallory" {
				return no("not you")
			}
			return nil
		},
		Disconnect: func(id Identity) { told = append(told, "bye "+id.User) },
		Subscribe: func(_ context.Context, _ Identity, topic topics.Name) error {
			if topic.Type() == "secret" {
				return errors.New("not that")
			}
			return nil
		},
		BeforeMutation: func(_ context.Context, _ Identity, m *topics.Mutation) error {
			if m.Changes[0].EntityID == "forbidden" {
				return no("not so")
			}
			return nil
		},
		AfterMutation: func(_ Identity, m topics.Mutation, a frame.Answer) {
			told = append(told, m.Changes[0].EntityID+" "+a.Status.String())
		},
	}})
	h := &house{t: t, engine: e}
	if _, err := e.Open(t.Context(), SessionOptions{Identity: identity("mallory")}); topics.AsError(err).Code != topics.CodeForbidden {
		t.Errorf("Open: %v", err)
	}
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["secret:1"]}`)
	s.want(`"code":"rejected","message":"not that","retry":"never","topic":"secret:1"`)
	s.say(`{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"forbidden","payload":1}]}`,
		`{"type":"mutate","client":"c","seq":2,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`)
	s.await(`"code":"forbidden","message":"not so"`, `"seq":2,`)
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(told, ", "), "forbidden rejected, g1 applied, bye alice"; got != want {
		t.Errorf("told %s; want %s", got, want)
	}
}
