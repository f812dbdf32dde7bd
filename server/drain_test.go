package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestDrain: sessions hear bye and are closed, waits end, new ones are refused, and
// a mutation that was acked is there.
func TestDrain(t *testing.T) {
	h := open(t)
	p, plain := h.talk("ann"), h.dial("/v1/ws?user=ben")
	p.say(`{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]}`)
	p.expect(map[string]string{"type": "ack"})
	at := h.do("GET", "/v1/topics/a:1/events", "").header.Get("Lockstep-Position")
	waiting := make(chan answer)
	go func() { waiting <- h.do("GET", "/v1/topics/a:1/events?wait=25&after="+at, "") }()
	h.do("GET", "/readyz", "").want(200)

	drained := make(chan error)
	go func() { drained <- h.server.Drain(context.Background()) }()
	bye := p.expect(map[string]string{"type": "bye", "reason": "restart"})
	if show(bye["retry_after_ms"]) == "<nil>" {
		t.Errorf("a bye without retry_after_ms: %v", bye)
	}
	p.closed(websocket.StatusServiceRestart)
	if said := plain.closed(websocket.StatusServiceRestart); said != "" {
		t.Errorf("a plain client hears %s", said)
	}
	if a := <-waiting; a.status != 503 && kinds(a.frames()) != "subscribed" { // 503 where it came after the drain began
		t.Errorf("a poll that waited hears %d %s", a.status, a.body)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
	h.do("GET", "/readyz", "").want(503)
	h.do("GET", "/healthz", "").want(200)
	refused := h.do("GET", "/v1/ws", "", "Connection: Upgrade", "Upgrade: websocket").want(503)
	holds(t, refused.json(), map[string]string{"code": "unavailable", "retry": "later"})
}

// TestDrainCut: a peer that does not say goodbye is cut when the time is over.
func TestDrainCut(t *testing.T) {
	h := open(t)
	dead := dialRaw(t, h, "/v1/ws?user=ann")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := h.server.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain: %v", err)
	}
	dead.untilCut(t)
}
