package statesync

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

// Messages and calls reach what the application has registered; what it sends
// reaches one session, one user's, or all of a tenant.
func TestMessagesAndCalls(t *testing.T) {
	h := newHouse(t, Limits{})
	h.engine.OnMessage("chat.message", func(_ context.Context, s *Session, m json.RawMessage) error {
		return h.engine.SendToAll(s.Identity().Tenant, "chat.said", map[string]any{"by": s.Identity().User, "type": "ignored"})
	})
	h.engine.OnCall("add", func(_ context.Context, _ *Session, params json.RawMessage) (any, error) {
		var n []int
		if err := json.Unmarshal(params, &n); err != nil {
			return nil, topics.Errorf(topics.CodeInvalid, "params", "must be numbers")
		}
		return n[0] + n[1], nil
	})
	alice, bob := h.open("alice", FormPlain), h.open("bob", FormFrames)
	alice.drain()
	bob.drain()
	alice.say(`{"type":"chat.message","text":"hello"}`)
	alice.want(`{"type":"chat.said","by":"alice"}`)
	bob.want(`{"type":"chat.said","by":"alice"}`)
	bob.say(`{"type":"call","id":7,"method":"add","params":[2,3]}`, `{"type":"call","id":"x","method":"add","params":{}}`, `{"type":"call","id":8,"method":"sub"}`, `{"type":"call","method":"add"}`, `{"type":"of.the.future"}`)
	bob.want(`{"type":"reply","id":7,"result":5}`, `{"type":"reply","id":"x","error":{"code":"invalid","field":"params","message":"must be numbers","retry":"never"}}`,
		`"id":8,"error":{"code":"unknown_type"`, `"code":"invalid","field":"id"`)
	if err := h.engine.SendToUser("default", "bob", "ping", nil); topics.AsError(err).Field != "type" {
		t.Errorf("a type of the protocol's own was sent: %v", err)
	}
	if err := h.engine.SendToUser("default", "bob", "app.note", map[string]int{"n": 1}); err != nil {
		t.Error(err)
	}
	alice.want()
	bob.want(`{"type":"app.note","n":1}`)
}

type grantOnly map[topics.Name]bool

func (g grantOnly) Allow(_ Action, topic topics.Name) bool { return g[topic] }

// P8: a refreshed token keeps positions; grants that are gone end their cursors.
func TestRefresh(t *testing.T) {
	h := newHouse(t, Limits{})
	grants := map[string]grantOnly{"all": {"a:1": true, "a:2": true, "a:3": true, "a:4": true}, "one": {"a:1": true}}
	as := func(_ context.Context, token string) (Identity, error) {
		g, ok := grants[token]
		if !ok {
			return Identity{}, topics.Errorf(topics.CodeUnauthorized, "token", "is unknown")
		}
		return Identity{Tenant: "default", User: "alice", Grants: g}, nil
	}
	id, _ := as(t.Context(), "all")
	r := h.openWith(SessionOptions{Identity: id, Authenticate: as})
	r.say(`{"type":"subscribe","topics":["a:3","a:1","a:4","a:2"]}`)
	r.drain()
	r.say(`{"type":"auth","token":"wrong"}`, `{"type":"auth","token":"one"}`)
	r.want(`"code":"unauthorized","field":"token"`, `{"type":"revoked","topic":"a:2","reason":"grant"}`,
		`{"type":"revoked","topic":"a:3"`, `{"type":"revoked","topic":"a:4"`)
	h.doOn("a:1", put("x", `1`))
	h.doOn("a:2", put("x", `1`))
	r.await(`"topic":"a:1"`)
	r.want()
	if err := r.session.Refresh(Identity{Tenant: "default", User: "bob"}); topics.AsError(err).Code != topics.CodeForbidden {
		t.Errorf("another user's token was taken: %v", err)
	}
}
