package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// traceparent is the header of a trace that somebody else began.
func traceparent(trace string) string { return "00-" + trace + "-0123456789abcdef-01" }

var madeTrace = regexp.MustCompile(`^[0-9a-f]{32}$`)

// TestTraceOfConnection: one trace goes from the handshake to the log, the errors, the
// answers and the events; a mutation that names its own keeps it.
func TestTraceOfConnection(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	log := &logbook{}
	h := open(t, func(o *options) {
		o.server.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	p := h.dialWith(http.Header{"Traceparent": {traceparent(trace)}}, "/v1/ws?user=ann", "lockstep.v1")
	p.expect(map[string]string{"type": "welcome"})
	p.say(`{"type":"subscribe","topics":["nothing"]}`)
	p.expect(map[string]string{"type": "error", "code": "invalid_topic", "trace_id": trace})
	p.say(`{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"op":"patch","entity_id":"x","payload":{}}]}`)
	p.expect(map[string]string{"type": "reject", "code": "not_found", "trace_id": trace})
	p.say(`{"type":"mutate","client":"c","seq":2,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]}`)
	epoch := show(p.expect(map[string]string{"type": "ack", "trace_id": trace})["epoch"])
	p.say(`{"type":"mutate","client":"c","seq":3,"topic":"a:1","changes":[{"entity_id":"y","payload":1}],"trace_id":"mine"}`)
	p.expect(map[string]string{"type": "ack", "trace_id": "mine"})
	late := h.talk("cay")
	late.say(`{"type":"subscribe","topics":[{"topic":"a:1","epoch":"` + epoch + `","version":0}]}`)
	late.expect(map[string]string{"type": "subscribed"})
	for _, want := range []string{`"seq":2,"trace_id":"` + trace + `"`, `"seq":3,"trace_id":"mine"`} {
		if line := late.line(); !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	logged := regexp.MustCompile(`"path":"/v1/ws".*"user":"ann","trace_id":"` + trace + `"`)
	h.eventually(func() bool { return logged.MatchString(log.String()) })

	plain := h.dial("/v1/ws?user=ben")
	plain.say(`{"type":"what"}`, `{`)
	first := show(plain.expect(map[string]string{"type": "error", "code": "unknown_type"})["trace_id"])
	if second := show(plain.next()["trace_id"]); first != second || !madeTrace.MatchString(first) {
		t.Errorf("one connection has the traces %s and %s", first, second)
	}
}

// TestTraceOfRequests: in a session that requests carry, a frame has the trace of the
// request that brought it.
func TestTraceOfRequests(t *testing.T) {
	const one, two = "11111111111111111111111111111111", "22222222222222222222222222222222"
	h := open(t)
	session := ""
	for _, trace := range []string{one, two} {
		var got struct {
			Session string
			Frames  []map[string]any
		}
		a := h.do("POST", "/v1/sync?user=ann", `{`+session+`"frames":[{"type":"subscribe","topics":["nothing"]}]}`, "Traceparent: "+traceparent(trace)).want(http.StatusOK)
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		session = `"session":"` + got.Session + `",`
		holds(t, got.Frames[len(got.Frames)-1], map[string]string{"type": "error", "code": "invalid_topic", "trace_id": trace})
	}
	p := h.talk("ben")
	p.say(`{"type":"subscribe","topics":["a:1"]}`)
	p.expect(map[string]string{"type": "subscribed"})
	p.expect(map[string]string{"type": "snapshot"})
	h.do("POST", "/v1/sync?user=ann", `{`+session+`"frames":[{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]}]}`, "Traceparent: "+traceparent(one)).want(http.StatusOK)
	if events := p.line(); !strings.Contains(events, `"trace_id":"`+one+`"`) {
		t.Errorf("the event has another trace: %s", events)
	}
}

// TestTraceOfGuest: who is refused at the auth frame hears the handshake's trace.
func TestTraceOfGuest(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	h := open(t, withJWT(t))
	p := h.dialWith(http.Header{"Traceparent": {traceparent(trace)}}, "/v1/ws", "lockstep.v1")
	p.say(`{"type":"auth","token":"wrong"}`)
	p.expect(map[string]string{"type": "error", "code": "unauthorized", "trace_id": trace})
	p.closed(4401)
}
