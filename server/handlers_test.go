package server_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/coder/websocket"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// TestHandlers: an application's messages and calls reach it on every transport, and
// it reaches one session, one user or all.
func TestHandlers(t *testing.T) {
	h := open(t)
	h.engine.OnMessage("chat.message", func(_ context.Context, s *statesync.Session, message json.RawMessage) error {
		if id := s.Identity(); id.User != "ann" {
			return topics.Errorf(topics.CodeForbidden, "", "%s may not speak", id.User)
		}
		return h.engine.SendToAll(topics.DefaultTenant, "chat.said", map[string]any{"was": message})
	})
	h.engine.OnCall("whoami", func(_ context.Context, s *statesync.Session, _ json.RawMessage) (any, error) {
		return s.Identity().User, nil
	})
	ann, plain := h.talk("ann"), h.dial("/v1/ws?user=ben")
	stream := h.listen("/v1/topics/a:1/events?user=cay", "")
	stream.expect("", map[string]string{"type": "subscribed"})
	plain.say(`{"type":"chat.message"}`)
	plain.expect(map[string]string{"type": "error", "code": "forbidden"})
	ann.say(`{"type":"chat.message","text":"hi"}`)
	for _, said := range []map[string]any{ann.next(), plain.next(), decode(t, []byte(stream.next().data))} {
		holds(t, said, map[string]string{"type": "chat.said"})
	}
	_, frames := h.sync(`{"frames":[{"type":"call","id":7,"method":"whoami"}]}`)
	wantTypes(t, frames, "welcome reply")
	holds(t, frames[1], map[string]string{"id": "7", "result": "ann"})
	if err := h.engine.SendToUser(topics.DefaultTenant, "cay", "note", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	stream.expect("", map[string]string{"type": "note"})
}

// TestPanics: a panic costs the connection or the request that it came from, is logged
// with its trace, and nothing else.
func TestPanics(t *testing.T) {
	log := &logbook{}
	h := open(t, func(o *options) { o.server.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	h.engine.OnMessage("app.boom", func(context.Context, *statesync.Session, json.RawMessage) error { panic("boom") })
	bystander := h.talk("ben")
	p := h.talk("ann")
	p.say(`{"type":"app.boom"}`)
	p.closed(websocket.StatusInternalError)
	const trace = "0123456789abcdef0123456789abcdef"
	a := h.do("POST", "/v1/sync?user=ann", `{"frames":[{"type":"app.boom"}]}`, "Traceparent: 00-"+trace+"-0123456789abcdef-01").want(500)
	holds(t, a.json(), map[string]string{"code": "internal", "trace_id": trace})
	if text := log.String(); strings.Count(text, "boom") < 2 || !strings.Contains(text, trace) {
		t.Errorf("the log says %s", text)
	}
	bystander.say(`{"type":"ping"}`)
	bystander.expect(map[string]string{"type": "pong"})
}
