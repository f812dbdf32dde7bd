package server_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestStream(t *testing.T) {
	h := open(t)
	h.put("gift-list:1", "old", `0`)
	s := h.listen("/v1/topics/gift-list:1/events?user=ann", "")
	for name, want := range map[string]string{"X-Accel-Buffering": "no", "Cache-Control": "no-store"} {
		if got := s.res.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	first := s.expect("", map[string]string{"type": "subscribed", "version": "1"}) // it starts at the head
	if !strings.HasSuffix(first.id, "-1") {
		t.Errorf("the id is %q", first.id)
	}
	h.put("gift-list:1", "g1", `{"name":"kite"}`)
	h.do("PATCH", "/v1/topics/gift-list:1/entities/g1", `{"claimed":true}`, "Content-Type: application/merge-patch+json").want(200)
	epoch, _, _ := strings.Cut(first.id, "-")
	for i, event := range []string{"ADDED", "UPDATED"} {
		version := strconv.Itoa(i + 2)
		m := s.expect(event, map[string]string{"topic": "gift-list:1", "event": event, "version": version})
		if m.id != epoch+"-"+version {
			t.Errorf("the id is %s", m.id)
		}
	}
	s.close()
	h.do("DELETE", "/v1/topics/gift-list:1/entities/old", "").want(200)
	again := h.listen("/v1/topics/gift-list:1/events?after=aaaaaaaaaaaaa-7", "", "Last-Event-ID: "+epoch+"-2")
	again.expect("", map[string]string{"type": "subscribed", "version": "2"})
	again.expect("UPDATED", map[string]string{"version": "3"})
	again.expect("DELETED", map[string]string{"version": "4"})
}

// TestStreamOfACommit_P5: each event of a commit has an id of its own, and going on
// after it brings the rest of the commit.
func TestStreamOfACommit_P5(t *testing.T) {
	h := open(t)
	s := h.listen("/v1/topics/a:1/events", "")
	s.expect("", map[string]string{"type": "subscribed"})
	h.do("POST", "/v1/topics/a:1/mutations", `{"changes":[{"entity_id":"x","payload":1},{"entity_id":"y","payload":2},{"op":"none","event":"note","payload":{}}]}`, "Idempotency-Key: k").want(200)
	x := s.expect("ADDED", map[string]string{"version": "1"})
	rest := h.listen("/v1/topics/a:1/events", "", "Last-Event-ID: "+x.id)
	rest.expect("", map[string]string{"type": "subscribed", "version": "1"})
	rest.expect("ADDED", map[string]string{"version": "2"})
	rest.expect("note", map[string]string{"version": "3"})
}

func TestStreamOfFrames(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `1`)
	s := h.listen("/v1/topics/a:1/events?protocol=lockstep.v1&user=ann", "")
	welcome := s.expect("", map[string]string{"type": "welcome", "user_id": "ann"})
	s.expect("", map[string]string{"type": "subscribed", "version": "0"})
	snapshot := s.expect("", map[string]string{"type": "snapshot", "version": "1", "more": "false"})
	if !strings.HasSuffix(snapshot.id, "-1") {
		t.Errorf("the id is %s", snapshot.id)
	}
	session := show(decode(t, []byte(welcome.data))["session"])
	body := `{"session":"` + session + `","frames":[{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":2}]}]}`
	said := h.do("POST", "/v1/sync?user=ann", body).want(200).json()
	holds(t, said, map[string]string{"session": session, "frames": "[]"}) // the stream tells
	s.expect("", map[string]string{"type": "ack", "seq": "1", "version": "2"})
	s.expect("", map[string]string{"type": "events", "from": "1", "to": "2"})
}

func TestStreamOfTopics(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `1`)
	s := h.listen("/v1/events?topics=a:1,b:2&snapshot=true", "")
	s.expect("", map[string]string{"type": "subscribed", "topic": "a:1"})
	s.expect("", map[string]string{"type": "subscribed", "topic": "b:2"})
	s.expect("ADDED", map[string]string{"topic": "a:1", "version": "1"})
	h.put("b:2", "y", `2`)
	m := s.expect("ADDED", map[string]string{"topic": "b:2", "version": "1"})
	h.put("a:1", "x", `3`)
	s.close()
	again := h.listen("/v1/events?topics=a:1,b:2", "", "Last-Event-ID: "+m.id)
	again.expect("", map[string]string{"type": "subscribed", "topic": "a:1", "version": "1"})
	again.expect("", map[string]string{"type": "subscribed", "topic": "b:2", "version": "1"})
	again.expect("UPDATED", map[string]string{"topic": "a:1", "version": "2"})
}

// TestStreamHeartbeat: a silent stream of frames says marks, a plain one comments.
func TestStreamHeartbeat(t *testing.T) {
	h := open(t, func(o *options) { o.heartbeat = 20 * time.Millisecond })
	frames := h.listen("/v1/topics/a:1/events?protocol=lockstep.v1", "")
	frames.expect("", map[string]string{"type": "welcome"})
	frames.expect("", map[string]string{"type": "subscribed"})
	frames.expect("", map[string]string{"type": "snapshot"})
	for range 3 {
		frames.expect("", map[string]string{"type": "mark", "version": "0"})
	}
	plain := h.listen("/v1/topics/a:1/events", "")
	plain.expect("", map[string]string{"type": "subscribed"})
	for range 2 {
		for line := ""; !strings.HasPrefix(line, ":"); {
			var err error
			if line, err = plain.r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.put("a:1", "x", `1`)
	plain.expect("ADDED", map[string]string{"version": "1"})
}

// TestStreamDrain: streams hear bye and end; new ones are refused.
func TestStreamDrain(t *testing.T) {
	h := open(t)
	plain := h.listen("/v1/topics/a:1/events", "")
	frames := h.listen("/v1/topics/a:1/events?protocol=lockstep.v1", "")
	if err := h.server.Drain(context.Background()); err != nil {
		t.Error(err)
	}
	plain.ended()
	said := frames.ended()
	if len(said) == 0 || !strings.Contains(said[len(said)-1], `{"type":"bye","reason":"restart"`) {
		t.Errorf("a stream ends with %q", said)
	}
	h.do("GET", "/v1/topics/a:1/events", "", "Accept: text/event-stream").want(503)
	putOff(t, h)
}

// putOff wants that an EventSource on its way back is not sent away for good.
func putOff(t *testing.T, h *house) {
	t.Helper()
	for _, path := range []string{"/v1/topics/a:1/events", "/v1/events?topics=a:1"} {
		a := h.do("GET", path, "", "Accept: text/event-stream", "Last-Event-ID: aaaaaaaaaaaaa-1").want(200)
		if !regexp.MustCompile(`^retry: [1-9][0-9]{3}\n\n$`).Match(a.body) || a.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("the answer is %s: %q", a.header.Get("Content-Type"), a.body)
		}
	}
}

// TestStreamPutOff: a stream that is gone on with, and refused for now, is an empty one
// that says when to come back; one that begins is refused with its status, and so is
// one that will never be.
func TestStreamPutOff(t *testing.T) {
	h := open(t, func(o *options) { o.server.Limits.NewSessions = 1 })
	h.listen("/v1/topics/a:1/events", "")
	h.do("GET", "/v1/topics/a:1/events", "", "Accept: text/event-stream").want(503)
	putOff(t, h)
	h.do("GET", "/v1/topics/a/events", "", "Accept: text/event-stream", "Last-Event-ID: aaaaaaaaaaaaa-1").want(400)
	h.do("GET", "/v1/ws", "", "Connection: Upgrade", "Upgrade: websocket", "Last-Event-ID: aaaaaaaaaaaaa-1").want(503)
}

// TestStreamRefused: what is wrong is a status, before the stream begins.
func TestStreamRefused(t *testing.T) {
	h := open(t, func(o *options) { o.server.Limits.StreamTopics = 2 })
	for name, c := range map[string]struct {
		path, id string
		status   int
		code     string
		field    string
	}{
		"no topics":        {"/v1/events", "", 400, "invalid", "topics"},
		"an empty name":    {"/v1/events?topics=a:1,", "", 400, "invalid_topic", "topic"},
		"twice":            {"/v1/events?topics=a:1,a:1", "", 400, "invalid", "topics"},
		"too many":         {"/v1/events?topics=a:1,a:2,a:3", "", 429, "too_many_topics", "topics"},
		"an id":            {"/v1/topics/a:1/events", "7", 400, "invalid", "Last-Event-ID"},
		"ids for two":      {"/v1/topics/a:1/events", "aaaaaaaaaaaaa-1,aaaaaaaaaaaaa-1", 400, "invalid", "Last-Event-ID"},
		"one id of two":    {"/v1/events?topics=a:1,b:1", "aaaaaaaaaaaaa-1", 400, "invalid", "Last-Event-ID"},
		"after":            {"/v1/events?topics=a:1&after=1", "", 400, "invalid", "after"},
		"protocol":         {"/v1/events?topics=a:1&protocol=lockstep.v2", "", 400, "invalid", "protocol"},
		"wait on a stream": {"/v1/topics/a:1/events?wait=3", "", 400, "invalid", "wait"},
		"another's":        {"/v1/topics/user:ben/events?user=ann", "", 403, "forbidden", "topic"},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{"Accept: text/event-stream"}
			if c.id != "" {
				headers = append(headers, "Last-Event-ID: "+c.id)
			}
			holds(t, h.do("GET", c.path, "", headers...).want(c.status).json(), map[string]string{"code": c.code, "field": c.field})
		})
	}
	placeholder := h.listen("/v1/events?topics=a:1,b:1", "", "Last-Event-ID: -,-")
	placeholder.expect("", map[string]string{"type": "subscribed", "topic": "a:1", "version": "0"})
}

// TestStreamAcrossDeletion_P5: an id never pairs one incarnation's epoch with
// another's version.
func TestStreamAcrossDeletion_P5(t *testing.T) {
	h := open(t)
	for i := range 5 {
		h.put("a:1", "x", strconv.Itoa(i))
	}
	s := h.listen("/v1/topics/a:1/events?snapshot=true", "")
	s.expect("", map[string]string{"type": "subscribed"})
	old := s.expect("UPDATED", map[string]string{"version": "5"})
	h.do("DELETE", "/v1/topics/a:1", "").want(204)
	h.put("a:1", "x", `"new"`)
	for {
		m := s.next()
		if strings.Contains(m.data, `"new"`) {
			if old.id[:13] == m.id[:13] || !strings.HasSuffix(m.id, "-1") {
				t.Errorf("the ids are %s and %s", old.id, m.id)
			}
			return
		}
		if m.id != old.id && !strings.HasSuffix(m.id, "-0") && !strings.HasSuffix(m.id, "-1") {
			t.Errorf("the id is %s with %s", m.id, m.data)
		}
	}
}
