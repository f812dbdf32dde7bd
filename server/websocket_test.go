package server_test

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestConversation(t *testing.T) {
	h := open(t)
	h.put("gift-list:1", "g1", `{"name":"kite"}`)
	p := h.talk("ann")
	p.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	p.expect(map[string]string{"type": "subscribed", "topic": "gift-list:1", "version": "0"})
	snapshot := p.expect(map[string]string{"type": "snapshot", "version": "1", "more": "false"})
	epoch := show(snapshot["epoch"])
	p.say(`{"type":"mutate","client":"c1","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"g1","op":"patch","payload":{"claimed":true}}]}`)
	p.expect(map[string]string{"type": "ack", "client": "c1", "seq": "1", "version": "2", "status": "applied"})
	p.expect(map[string]string{"type": "events", "from": "1", "to": "2"})
	p.say(`{"type":"ping"}`)
	p.expect(map[string]string{"type": "pong"})

	again := h.talk("ben")
	again.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":"` + epoch + `","version":1}]}`)
	again.expect(map[string]string{"type": "subscribed", "version": "1"})
	again.expect(map[string]string{"type": "events", "from": "1", "to": "2"})
}

// TestPlainMode is the hand-written client of the first hour: a URL, one frame, and
// envelopes come.
func TestPlainMode(t *testing.T) {
	h := open(t)
	p := h.dial("/v1/ws?user=ann")
	p.say(`{"type":"subscribe","topics":["gift-list:123"]}`)
	p.expect(map[string]string{"type": "subscribed", "topic": "gift-list:123", "version": "0"})
	h.do("PUT", "/v1/topics/gift-list:123/entities/g1?user=ben", `{"name":"kite"}`, "Traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01").want(200)
	line := p.line()
	want := `{"topic":"gift-list:123","event":"ADDED","data":{"entity_id":"g1","payload":{"name":"kite"},"user_id":"ben","tenant_id":"default","timestamp":"`
	if !strings.HasPrefix(line, want) || !strings.HasSuffix(line, `"},"trace_id":"0123456789abcdef0123456789abcdef","version":1}`) {
		t.Errorf("the envelope is\n%s, want\n%s…", line, want)
	}
	p.say(`{"type":"what"}`)
	p.expect(map[string]string{"type": "error", "code": "unknown_type", "field": "type"})
	p.say(`{"type":"ping"}`)
	p.expect(map[string]string{"type": "pong"})
}

// TestPlainModeUnasked: a plain session hears its user's own topic and the
// broadcasts without a word before, one envelope per message.
func TestPlainModeUnasked(t *testing.T) {
	h := open(t)
	p := h.dial("/v1/ws?user=ann")
	p.say(`{"type":"ping"}`)
	p.expect(map[string]string{"type": "pong"}) // so it was the first line, and the subscriptions stand
	h.do("POST", "/v1/topics/user:ann/mutations", `{"changes":[{"op":"none","event":"notification","payload":{"title":"hi"}},{"op":"none","event":"notification","payload":{"title":"ho"}}]}`, "Idempotency-Key: k1").want(200)
	h.do("POST", "/v1/topics/system:broadcast/mutations", `{"changes":[{"op":"none","event":"news","payload":{}}]}`, "Idempotency-Key: k2").want(200)
	p.expect(map[string]string{"topic": "user:ann", "event": "notification", "version": "1"})
	if len(p.lines) != 0 {
		t.Errorf("a message held more than one envelope: %q", p.lines)
	}
	p.expect(map[string]string{"topic": "user:ann", "version": "2"})
	p.expect(map[string]string{"topic": "system:broadcast", "event": "news"})
}

func TestFlatEnvelope(t *testing.T) {
	for _, path := range []string{"/ws/ann?tenant=default", "/v1/ws?user=ann&envelope=flat"} {
		h := open(t)
		p := h.dial(path)
		p.say(`{"type":"ping"}`)
		p.expect(map[string]string{"type": "pong"})
		h.do("POST", "/v1/topics/user:ann/mutations", `{"changes":[{"op":"none","event":"notification","payload":{"title":"hi"}}]}`, "Idempotency-Key: k1").want(200)
		p.expect(map[string]string{"type": "notification", "title": "hi", "topic": "user:ann", "version": "1"})
	}
}

// TestAliasIsTenant_P8: /ws/{tenant} names the tenant and, in development, the user.
func TestAliasIsTenant_P8(t *testing.T) {
	h := open(t)
	p := h.dial("/ws/acme", "lockstep.v1")
	p.expect(map[string]string{"type": "welcome", "user_id": "acme", "tenant_id": "acme"})
	h.put("doc:1", "a", `1`)
	p.say(`{"type":"subscribe","topics":["doc:1"]}`)
	p.expect(map[string]string{"type": "subscribed", "version": "0"})
	p.expect(map[string]string{"type": "snapshot", "version": "0", "entities": "[]"})
}

// TestBadFrames: each gets its code and field, and the conversation goes on.
func TestBadFrames(t *testing.T) {
	h := open(t)
	p := h.talk("ann")
	for name, c := range map[string]struct{ say, code, field string }{
		"not JSON":         {`{"type":`, "invalid", "type"},
		"not an object":    {`[1]`, "invalid", "<nil>"},
		"duplicate keys":   {`{"type":"ping","type":"auth"}`, "invalid", "type"},
		"no type":          {`{}`, "invalid", "type"},
		"deep":             {`{"type":"ping","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "too_large", ""},
		"bad topic":        {`{"type":"subscribe","topics":["gift list"]}`, "invalid_topic", "topic"},
		"topics missing":   {`{"type":"subscribe"}`, "invalid", "topics"},
		"half a position":  {`{"type":"subscribe","topics":[{"topic":"a:1","version":3}]}`, "invalid", "topics[0].epoch"},
		"mode":             {`{"type":"subscribe","topics":[{"topic":"a:1","mode":"some"}]}`, "invalid", "topics[0].mode"},
		"version a string": {`{"type":"subscribe","topics":[{"topic":"a:1","epoch":"aaaaaaaaaaaaa","version":"1"}]}`, "invalid", "topics[0].version"},
	} {
		t.Run(name, func(t *testing.T) {
			p.say(c.say)
			want := map[string]string{"type": "error", "code": c.code}
			if c.field != "" {
				want["field"] = c.field
			}
			if got := p.expect(want); len(show(got["message"])) < 10 {
				t.Errorf("no remedy in %v", got)
			}
		})
	}
	p.say(`{"type":"what"}`, `{"type":"ping"}`) // unknown types are ignored in frames
	p.expect(map[string]string{"type": "pong"})
}

// TestBadMutations: each gets a reject with its code and field.
func TestBadMutations(t *testing.T) {
	h := open(t)
	p := h.talk("ann")
	for name, c := range map[string]struct{ say, code, field string }{
		"no seq":     {`"client":"c1","topic":"a:1","changes":[{"entity_id":"x","payload":1}]`, "invalid", "seq"},
		"no client":  {`"seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]`, "invalid", "client"},
		"no topic":   {`"client":"c1","seq":1,"changes":[{"entity_id":"x","payload":1}]`, "invalid_topic", "topic"},
		"seq gap":    {`"client":"c2","seq":5,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]`, "expired", "client"},
		"no changes": {`"client":"c3","seq":1,"topic":"a:1"`, "invalid", "changes"},
		"oversized":  {`"client":"c4","seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":"` + strings.Repeat("x", 140<<10) + `"}]`, "too_large", "changes[0].payload"},
	} {
		t.Run(name, func(t *testing.T) {
			p.say(`{"type":"mutate",` + c.say + `}`)
			p.expect(map[string]string{"type": "reject", "code": c.code, "field": c.field})
		})
	}
	p.say(`{"type":"ping"}`)
	p.expect(map[string]string{"type": "pong"})
}

// TestBadMessages: what is no message of text ends the connection, with its code.
func TestBadMessages(t *testing.T) {
	h := open(t, func(o *options) { o.limits.MessageBytes = 1000 })
	p := h.talk("ann")
	p.send(websocket.MessageBinary, []byte(`{"type":"ping"}`))
	p.closed(websocket.StatusUnsupportedData)
	p = h.talk("ann")
	p.send(websocket.MessageText, []byte("{\"type\":\"ping\",\"x\":\"\xff\"}"))
	p.closed(websocket.StatusInvalidFramePayloadData)
	p = h.talk("ann")
	p.say(`{"x":"` + strings.Repeat("x", 100_000) + `"}`)
	p.closed(websocket.StatusMessageTooBig)
	p = h.talk("ann")
	p.say(`{"type":"ping","x":"` + strings.Repeat("x", 1000-22) + `"}`) // exactly as long as may be
	p.expect(map[string]string{"type": "pong"})
}

// TestHandshakeRefused: the reason is told before the upgrade, and by hello.
func TestHandshakeRefused(t *testing.T) {
	h := open(t)
	for name, c := range map[string]struct {
		path    string
		headers []string
		status  int
		code    string
		field   string
	}{
		"no upgrade":        {"/v1/ws", nil, 400, "invalid", "Upgrade"},
		"unknown parameter": {"/v1/ws?usr=ann", nil, 400, "invalid", "usr"},
		"envelope":          {"/v1/ws?envelope=round", nil, 400, "invalid", "envelope"},
		"envelope of v1":    {"/v1/ws?envelope=flat", []string{"Sec-WebSocket-Protocol: lockstep.v1"}, 400, "invalid", "envelope"},
		"subprotocol":       {"/v1/ws", []string{"Sec-WebSocket-Protocol: lockstep.v9"}, 400, "invalid", "Sec-WebSocket-Protocol"},
		"tenant":            {"/ws/ACME", nil, 400, "invalid", "tenant"},
		"origin":            {"/v1/ws", []string{"Origin: https://evil.example"}, 403, "forbidden", "Origin"},
		"null origin":       {"/v1/ws", []string{"Origin: null"}, 403, "forbidden", "Origin"},
		"rebound name":      {"/v1/ws", []string{"Host: evil.example"}, 403, "forbidden", "Host"},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.do("GET", c.path, "", c.headers...).want(c.status)
			holds(t, a.json(), map[string]string{"code": c.code, "field": c.field, "type": "urn:lockstep:problem:" + c.code})
		})
	}
}

// TestHeartbeat: a silent session hears where it is; a plain one hears nothing that
// has no topic, and lives all the same.
func TestHeartbeat(t *testing.T) {
	h := open(t, func(o *options) { o.heartbeat = 150 * time.Millisecond })
	plain := h.dial("/v1/ws?user=ben")
	pongs := make(chan map[string]any, 1)
	go func() { pongs <- plain.next() }()
	p := h.talk("ann")
	p.expect(map[string]string{"type": "pong"})
	p.say(`{"type":"subscribe","topics":["a:1"]}`)
	p.expect(map[string]string{"type": "subscribed"})
	p.expect(map[string]string{"type": "snapshot"})
	for range 5 {
		p.expect(map[string]string{"type": "mark", "topic": "a:1", "version": "0"})
	}
	plain.say(`{"type":"subscribe","topics":["a:1"]}`)
	holds(t, <-pongs, map[string]string{"type": "subscribed"})
}

// TestHalfOpen: a peer that answers nothing is cut after two silent intervals.
func TestHalfOpen(t *testing.T) {
	h := open(t, func(o *options) { o.heartbeat = 40 * time.Millisecond })
	dead := dialRaw(t, h, "/v1/ws?user=ann")
	dead.untilCut(t)
}

// TestSlowConsumer_P9: a peer that takes no bytes is cut, and costs others nothing.
func TestSlowConsumer_P9(t *testing.T) {
	log := make(journal, 16)
	h := open(t, func(o *options) {
		o.server.Limits.WriteDeadline = 100 * time.Millisecond
		o.server.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	slow := dialRaw(t, h, "/v1/ws?user=ann")
	slow.say(t, `{"type":"subscribe","topics":["a:1"]}`)
	quick := h.talk("ben")
	quick.say(`{"type":"subscribe","topics":["a:1"]}`)
	quick.expect(map[string]string{"type": "subscribed"})
	quick.expect(map[string]string{"type": "snapshot"})
	value := `"` + strings.Repeat("x", 120<<10) + `"`
	for i := range 60 {
		h.put("a:1", "big"+strconv.Itoa(i), value)
		if show(quick.next()["type"]) != "events" {
			t.Fatal("the quick one hears nothing")
		}
	}
	log.wait(t, "it takes no bytes")
}

// journal hands a test what the server logs. Lines nobody waits for are lost.
type journal chan string

func (j journal) Write(line []byte) (int, error) {
	select {
	case j <- string(line):
	default:
	}
	return len(line), nil
}

func (j journal) wait(t *testing.T, what string) {
	t.Helper()
	late := time.After(patient)
	for {
		select {
		case line := <-j:
			if strings.Contains(line, what) {
				return
			}
		case <-late:
			t.Fatalf("the log does not say %q", what)
		}
	}
}
