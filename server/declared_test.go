package server_test

import (
	"net/http"
	"testing"
)

// onlyDocs declares the type doc, and no other.
func onlyDocs(o *options) { o.declared = func(topicType string) bool { return topicType == "doc" } }

// TestUndeclaredByHTTP: every path that names a topic refuses a type that is not
// declared, with the same words (P11), and leaves nothing of it behind.
func TestUndeclaredByHTTP(t *testing.T) {
	h := open(t, onlyDocs)
	const write = `{"changes":[{"entity_id":"x","payload":1}]}`
	for _, r := range []struct {
		method, path, body string
		headers            []string
	}{
		{"GET", "/v1/topics/dok:1", "", nil},
		{"DELETE", "/v1/topics/dok:1", "", nil},
		{"GET", "/v1/topics/dok:1?min_version=1", "", nil},
		{"GET", "/v1/topics/dok:1/entities/x", "", nil},
		{"PUT", "/v1/topics/dok:1/entities/x", `1`, nil},
		{"PATCH", "/v1/topics/dok:1/entities/x", `{}`, []string{"Content-Type: application/merge-patch+json"}},
		{"DELETE", "/v1/topics/dok:1/entities/x", "", nil},
		{"POST", "/v1/topics/dok:1/mutations", write, []string{"Idempotency-Key: k"}},
		{"GET", "/v1/topics/dok:1/events", "", nil},
		{"GET", "/v1/topics/dok:1/events?wait=1", "", nil},
		{"GET", "/v1/topics/dok:1/events", "", []string{"Accept: text/event-stream"}},
		{"GET", "/v1/events?topics=doc:1,dok:1", "", nil},
	} {
		a := h.do(r.method, r.path, r.body, r.headers...).want(http.StatusBadRequest)
		holds(t, a.json(), map[string]string{"code": "unknown_type", "field": "topic", "retry": "never"})
	}
	h.put("doc:1", "x", `1`)
	h.put("user:ann", "x", `1`)
	h.do("GET", "/v1/topics/system:broadcast", "").want(http.StatusOK)
	if n := h.metric("lockstep_topics_in_memory"); n != 3 {
		t.Errorf("%v topics are in memory; the undeclared one has left something", n)
	}
}

// TestUndeclaredByFrames: the same on a WebSocket and in a sync. What is declared goes
// on, and so does the session.
func TestUndeclaredByFrames(t *testing.T) {
	h := open(t, onlyDocs)
	p := h.talk("ann")
	p.say(`{"type":"subscribe","topics":["dok:1"]}`)
	p.expect(map[string]string{"type": "error", "topic": "dok:1", "code": "unknown_type", "field": "topic"})
	p.say(`{"type":"mutate","client":"c","seq":1,"topic":"dok:1","changes":[{"entity_id":"x","payload":1}]}`)
	p.expect(map[string]string{"type": "reject", "topic": "dok:1", "client": "c", "seq": "1", "code": "unknown_type", "retry": "never", "epoch": "<nil>"})
	p.say(`{"type":"signal","topic":"dok:1","event":"typing"}`)
	p.expect(map[string]string{"type": "error", "topic": "dok:1", "code": "unknown_type"})
	p.say(`{"type":"presence","topic":"dok:1","state":{}}`)
	p.expect(map[string]string{"type": "error", "topic": "dok:1", "code": "unknown_type"})
	p.say(`{"type":"subscribe","topics":["doc:1","user:ann"]}`)
	p.expect(map[string]string{"type": "subscribed", "topic": "doc:1"})

	plain := h.dial("/v1/ws?user=ann") // follows user:ann and system:broadcast by itself
	plain.say(`{"type":"subscribe","topics":["dok:1"]}`)
	plain.expect(map[string]string{"type": "error", "topic": "dok:1", "code": "unknown_type"})

	_, frames := h.sync(`{"frames":[{"type":"subscribe","topics":["dok:1"]},{"type":"mutate","client":"c","seq":1,"topic":"dok:1","changes":[{"entity_id":"x","payload":1}]}]}`)
	wantTypes(t, frames, "welcome error reject")
	holds(t, frames[1], map[string]string{"code": "unknown_type"})
	holds(t, frames[2], map[string]string{"code": "unknown_type"})
}
