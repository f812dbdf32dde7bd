package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// sync posts to /v1/sync and returns the session and its frames.
func (h *house) sync(body string) (string, []map[string]any) {
	h.t.Helper()
	got := h.do("POST", "/v1/sync?user=ann", body, "Content-Type: application/json").want(200).json()
	list, _ := got["frames"].([]any)
	frames := make([]map[string]any, 0, len(list))
	for _, f := range list {
		fields, _ := f.(map[string]any)
		frames = append(frames, fields)
	}
	return show(got["session"]), frames
}

// types are the types of frames.
func types(frames []map[string]any) string {
	list := make([]string, 0, len(frames))
	for _, f := range frames {
		list = append(list, show(f["type"]))
	}
	return strings.Join(list, " ")
}

func wantTypes(t *testing.T, frames []map[string]any, want string) {
	t.Helper()
	if got := types(frames); got != want {
		t.Fatalf("frames are %q, want %q: %v", got, want, frames)
	}
}

func TestSync(t *testing.T) {
	h := open(t)
	session, frames := h.sync(`{"frames":[{"type":"subscribe","client":"c","topics":["a:1","b:2"]},{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]}]}`)
	if got := types(frames); !strings.HasPrefix(got, "welcome subscribed subscribed") || !strings.Contains(got, "ack") {
		t.Fatalf("the first answer is %s", got) // a poll that brought a mutation waits for its answer
	}
	if show(frames[0]["session"]) != session {
		t.Errorf("the session is %s, and welcome says %v", session, frames[0])
	}
	_, frames = h.sync(`{"session":"` + session + `"}`)
	if got := types(frames); got != "" && got != "events" { // the event may have come with the ack
		t.Errorf("then comes %s", got)
	}
	news := make(chan []map[string]any)
	go func() {
		_, frames := h.sync(`{"session":"` + session + `","wait":20}`)
		news <- frames
	}()
	h.put("b:2", "y", `2`)
	frames = <-news
	wantTypes(t, frames, "events")
	holds(t, frames[0], map[string]string{"topic": "b:2", "to": "1"})
}

// TestSyncLostAnswer_P5: an answer that was lost on its way is said again to a
// client that says where it is.
func TestSyncLostAnswer_P5(t *testing.T) {
	h := open(t)
	session, frames := h.sync(`{"positions":{"a:1":null}}`)
	wantTypes(t, frames, "welcome subscribed snapshot")
	epoch := show(frames[2]["epoch"])
	at := func(v int) string { return fmt.Sprintf(`{"a:1":"%s-%d"}`, epoch, v) }
	for i := range 3 {
		h.put("a:1", "x", fmt.Sprint(i))
		h.sync(`{"session":"` + session + `","positions":` + at(i) + `}`) // lost from the second on
		if i == 0 {
			continue
		}
		_, again := h.sync(`{"session":"` + session + `","positions":` + at(0) + `}`)
		wantTypes(t, again, "subscribed events")
		holds(t, again[1], map[string]string{"from": "0", "to": fmt.Sprint(i + 1)})
		epoch = show(again[1]["epoch"])
	}
	_, none := h.sync(`{"session":"` + session + `","positions":` + at(3) + `}`)
	wantTypes(t, none, "")
	// A session that is gone is begun again from the positions.
	refused := h.do("POST", "/v1/sync", `{"session":"nobody","positions":`+at(2)+`}`).want(410)
	holds(t, refused.json(), map[string]string{"code": "expired", "field": "session"})
	_, fresh := h.sync(`{"positions":` + at(2) + `}`)
	wantTypes(t, fresh, "welcome subscribed events")
}

// TestSyncIsolation_P8: a session is its user's, whoever knows its name.
func TestSyncIsolation_P8(t *testing.T) {
	h := open(t)
	session, _ := h.sync(`{"positions":{"user:ann":null}}`)
	for _, query := range []string{"?user=ben", "?user=ann&tenant=other"} {
		holds(t, h.do("POST", "/v1/sync"+query, `{"session":"`+session+`"}`).want(410).json(), map[string]string{"code": "expired"})
	}
	_, frames := h.sync(`{"session":"` + session + `"}`)
	wantTypes(t, frames, "")
}

// TestSyncReaders: a poll that waits takes the place of the one before, and one that
// only writes leaves it reading.
func TestSyncReaders(t *testing.T) {
	h := open(t)
	session, _ := h.sync(`{"positions":{"a:1":null}}`)
	first, second := make(chan string, 1), make(chan string, 1)
	wait := func(to chan<- string) {
		_, frames := h.sync(`{"session":"` + session + `","wait":20}`)
		to <- types(frames)
	}
	go wait(first)
	write := func(seq int) string {
		_, frames := h.sync(fmt.Sprintf(`{"session":%q,"frames":[{"type":"mutate","client":"c","seq":%d,"topic":"a:1","changes":[{"entity_id":"x","payload":%d}]}]}`, session, seq, seq))
		return types(frames)
	}
	// The write may overtake the poll, and then reads its own answer.
	if got := write(1); got == "" {
		if got = <-first; got != "ack events" && got != "ack" {
			t.Errorf("the poll hears %q", got)
		}
	} else {
		h.put("a:1", "x", `"for the poll"`)
		<-first
	}
	go wait(first)
	go wait(second)
	var ended string
	select {
	case ended = <-first:
	case ended = <-second:
	}
	if ended != "" && ended != "events" { // an event may be left over from above
		t.Errorf("the poll that gave its place away hears %q", ended)
	}
}

// TestSyncExpires: a session that nobody uses ends.
func TestSyncExpires(t *testing.T) {
	h := open(t, func(o *options) { o.server.Limits.SessionIdle = time.Millisecond })
	session, _ := h.sync(`{"positions":{"a:1":null}}`)
	for began := time.Now(); time.Since(began) < patient; {
		if a := h.do("POST", "/v1/sync?user=ann", `{"session":"`+session+`"}`); a.status == 410 {
			return
		}
	}
	t.Error("it does not end")
}

func TestSyncStream(t *testing.T) {
	h := open(t)
	s := h.listen("/v1/sync?user=ann", `{"positions":{"a:1":null},"frames":[{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"entity_id":"x","payload":1}]}]}`)
	welcome := s.expect("", map[string]string{"type": "welcome"})
	session := show(decode(t, []byte(welcome.data))["session"])
	for said := ""; !strings.Contains(said, `"to":1`); {
		said = s.next().data
	}
	epoch := show(h.do("GET", "/v1/topics/a:1", "").json()["epoch"])
	s.close()
	// The session goes on, as a poll or as a stream.
	h.put("a:1", "x", `2`)
	_, frames := h.sync(`{"session":"` + session + `","wait":20,"positions":{"a:1":"` + epoch + `-1"}}`)
	if got := types(frames); got != "events" && got != "subscribed events" {
		t.Errorf("the poll hears %q", got)
	}
	h.put("a:1", "x", `3`)
	again := h.listen("/v1/sync?user=ann", `{"session":"`+session+`","positions":{"a:1":"`+epoch+`-2"}}`)
	again.expect("", map[string]string{"type": "events", "from": "2", "to": "3"})
}

func TestSyncRefused(t *testing.T) {
	h := open(t, func(o *options) { o.server.Limits.PollFrames = 2 })
	for name, c := range map[string]struct {
		body, code, field string
		status            int
	}{
		"not JSON":        {`{`, "invalid", "", 400},
		"a list":          {`[]`, "invalid", "", 400},
		"frames":          {`{"frames":{}}`, "invalid", "frames", 400},
		"positions":       {`{"positions":[]}`, "invalid", "positions", 400},
		"a position":      {`{"positions":{"a:1":7}}`, "invalid", "positions", 400},
		"wait":            {`{"wait":26}`, "invalid", "wait", 400},
		"a negative wait": {`{"wait":-1}`, "invalid", "wait", 400},
		"too many":        {`{"frames":[{},{},{}]}`, "too_large", "frames", 413},
		"twice":           {`{"wait":1,"wait":2}`, "invalid", "wait", 400},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]string{"code": c.code}
			if c.field != "" {
				want["field"] = c.field
			}
			holds(t, h.do("POST", "/v1/sync", c.body).want(c.status).json(), want)
		})
	}
	_, frames := h.sync(`{"frames":[{"type":"subscribe"},{"type":"ping"}],"positions":{"bad topic":null}}`)
	wantTypes(t, frames, "welcome error error pong")
}
