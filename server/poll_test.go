package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/sync/client"
)

// frames reads a poll's lines.
func (a answer) frames() []client.Frame {
	a.t.Helper()
	frames, err := client.ParseFrames(a.want(200).body)
	if err != nil {
		a.t.Fatal(err)
	}
	return frames
}

func kinds(frames []client.Frame) string {
	var list []string
	for _, f := range frames {
		list = append(list, f.Type)
	}
	return strings.Join(list, " ")
}

func TestPoll(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `1`)
	first := h.do("GET", "/v1/topics/a:1/events", "")
	if got := kinds(first.frames()); got != "subscribed snapshot" {
		t.Fatalf("a poll without a position gives %s", got)
	}
	at := first.header.Get("Lockstep-Position")
	if !strings.HasSuffix(at, "-1") || first.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("position %q, type %q", at, first.header.Get("Content-Type"))
	}
	none := h.do("GET", "/v1/topics/a:1/events?after="+at, "")
	if got := kinds(none.frames()); got != "subscribed" || none.header.Get("Lockstep-Position") != at {
		t.Errorf("a poll at the head gives %s at %s", got, none.header.Get("Lockstep-Position"))
	}
	h.put("a:1", "x", `2`)
	h.put("a:1", "x", `3`)
	every := h.do("GET", "/v1/topics/a:1/events?mode=every&after="+at, "")
	if got := kinds(every.frames()); got != "subscribed events events" {
		t.Errorf("every gives %s", got)
	}
	latest := h.do("GET", "/v1/topics/a:1/events?after="+at, "").frames()
	if got := kinds(latest); got != "subscribed events" || len(latest[1].Events) != 1 || !latest[1].Conflated {
		t.Errorf("latest gives %s: %+v", got, latest)
	}
	array := h.do("GET", "/v1/topics/a:1/events?after="+at, "", "Accept: application/json").want(200)
	if text := string(array.body); !strings.HasPrefix(text, `[{"type":"subscribed"`) || !strings.HasSuffix(text, "}]\n") {
		t.Errorf("not an array: %s", text)
	}
	stale := h.do("GET", "/v1/topics/a:1/events?after=aaaaaaaaaaaaa-1", "").frames()
	if got := kinds(stale); !strings.HasPrefix(got, "subscribed resync snapshot") { // events follow a kept snapshot
		t.Errorf("a position of another epoch gives %s", got)
	}
}

func TestLongPoll(t *testing.T) {
	h := open(t)
	at := h.do("GET", "/v1/topics/a:1/events", "").header.Get("Lockstep-Position")
	for _, how := range []string{"&wait=20", "|Prefer: respond-async, wait=100"} {
		query, header, _ := strings.Cut(how, "|")
		got := make(chan answer)
		go func() {
			if header == "" {
				got <- h.do("GET", "/v1/topics/a:1/events?after="+at+query, "")
				return
			}
			got <- h.do("GET", "/v1/topics/a:1/events?after="+at+query, "", header)
		}()
		h.put("a:1", "x", `"`+how+`"`)
		a := <-got
		if text := kinds(a.frames()); text != "subscribed events" {
			t.Errorf("%s gives %s", how, text)
		}
		if applied := a.header.Get("Preference-Applied"); header != "" && applied != "wait=25" {
			t.Errorf("preference applied: %q", applied)
		}
		at = a.header.Get("Lockstep-Position")
	}
	began := time.Now()
	if got := kinds(h.do("GET", "/v1/topics/a:1/events?wait=1&after="+at, "").frames()); got != "subscribed" || time.Since(began) < time.Second {
		t.Errorf("a wait for nothing gives %s after %s", got, time.Since(began))
	}
}

// TestPollBound_P9: an answer has a bound, and the next poll goes on where it ended.
func TestPollBound_P9(t *testing.T) {
	h := open(t, func(o *options) { o.server.Limits.PollBytes = 1000; o.limits.TurnBytes = 500 })
	value := `"` + strings.Repeat("x", 200) + `"`
	for id := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz", "") {
		h.put("a:1", id, value)
	}
	replica, path := client.NewReplica(), "/v1/topics/a:1/events"
	for polls := 1; len(replica.Rows()) < 26; polls++ {
		a := h.do("GET", path, "")
		if len(a.body) > 3000 || polls > 26 {
			t.Fatalf("poll %d has %d bytes", polls, len(a.body))
		}
		for _, f := range a.frames() {
			if replica.Apply(f) == client.Gap {
				t.Fatalf("a gap at %v: %+v", replica.Position, f)
			}
		}
		if got := a.header.Get("Lockstep-Position"); got != replica.Position.String() {
			t.Errorf("the header says %s, the frames %s", got, replica.Position)
		}
		path = "/v1/topics/a:1/events?after=" + replica.Position.String()
	}
}
