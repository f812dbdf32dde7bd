//go:build linux

package bench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// events is an events frame as the server makes it.
func events(topic topics.Name, from, to topics.Version) []byte {
	run := frame.Run{Topic: topic, Epoch: "aaaaaaaaaaaaa", From: from, To: to}
	var list []store.Event
	for v := from + 1; v <= to; v++ {
		list = append(list, frame.Event(topics.Event{Version: v, Name: "UPDATED", EntityID: "e1", Payload: []byte(`{"n":1}`)}))
	}
	return frame.AppendEvents(nil, run, list)
}

// The load believes no server: a gap, a repeat and a topic not asked for are faults.
func TestLoadFindsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		message [][]byte
		fault   string
	}{
		"in order":       {[][]byte{events("bench:0", 5, 6), events("bench:0", 6, 70)}, ""},
		"a gap":          {[][]byte{events("bench:0", 5, 6), events("bench:0", 7, 8)}, "a gap or a repeat"},
		"a repeat":       {[][]byte{events("bench:0", 5, 6), events("bench:0", 5, 6)}, "a gap or a repeat"},
		"another topic":  {[][]byte{events("bench:3", 5, 6)}, "not asked for"},
		"a refusal":      {[][]byte{[]byte(`{"type":"error","code":"forbidden"}`)}, "forbidden"},
		"a resync":       {[][]byte{[]byte(`{"type":"resync","topic":"bench:0"}`)}, "resync"},
		"a rejected ack": {[][]byte{[]byte(`{"type":"ack","seq":1,"status":"duplicate"}`)}, "duplicate"},
	} {
		t.Run(name, func(t *testing.T) {
			var e ears
			l := &line{follow: follow{ears: &e, counting: true, stands: []stand{{at: 5, known: true}}}}
			err := lockstep{}.message(l, bytes.Join(c.message, []byte{'\n'}))
			if c.fault == "" {
				if err != nil || l.got != 65 || l.events != 65 {
					t.Errorf("%d versions, %d events, %v", l.got, l.events, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("got %v, want %q", err, c.fault)
			}
		})
	}
}

// A message that comes in pieces is the same message.
func TestPieces(t *testing.T) {
	var whole []byte
	for v := range topics.Version(40) {
		body := events("bench:0", v, v+1)
		whole = append(append(whole, wholeText, 126, byte(len(body)>>8), byte(len(body))), body...)
	}
	for _, size := range []int{1, 7, 100, len(whole)} {
		var e ears
		l := &line{talk: &webSocket{dialect: lockstep{}}, follow: follow{ears: &e, upgraded: true, stands: []stand{{known: true}}}}
		for rest := whole; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if err := l.take(rest[:min(size, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		if l.got != 40 || len(l.rest) != 0 {
			t.Errorf("in pieces of %d: %d events, %d bytes left", size, l.got, len(l.rest))
		}
	}
}

// Every payload is as long as it says, whatever its number.
func TestPayload(t *testing.T) {
	for _, n := range []uint64{1, 12_345, 1 << 60} {
		if got := len(appendPayload(nil, n)); got != payloadBytes {
			t.Errorf("the payload of %d has %d bytes", n, got)
		}
	}
}

// The table shows medians, and ratios of figures of the same round.
func TestReport(t *testing.T) {
	r := newReport(Options{Rounds: 3})
	for i, v := range []float64{10, 40, 20} {
		r.add("work", product, Result{Measures: []Measure{{"speed", "/s", v}}, Foreign: float64(i) / 4})
		r.add("work", bareWS, Result{Measures: []Measure{{"speed", "/s", 10}}})
	}
	r.add("work", socket, Result{Fault: "it broke"})
	ours, theirs := r.find("work", product, "speed"), r.find("work", bareWS, "speed")
	if ours.Median != 20 || ours.Min != 10 || ours.Max != 40 || theirs.Ratio != 2 {
		t.Errorf("%+v, %+v", ours, theirs)
	}
	if len(r.Warnings) != 1 || len(r.Faults) != 1 {
		t.Errorf("warnings %q, faults %q", r.Warnings, r.Faults)
	}
	var out strings.Builder
	if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "2.00x") || figure(1234567) != "1,234,567" {
		t.Errorf("%v: %s", err, out.String())
	}
}

// A word that no workload begins with is told, with those that there are.
func TestOnly(t *testing.T) {
	list, err := only(workloads(), []string{"idle", "fanout-1000-64"})
	if err != nil || names(list) != "fanout-1000-64, idle-5000, idle-10000" {
		t.Errorf("%s, %v", names(list), err)
	}
	if _, err := only(workloads(), []string{"idel"}); err == nil || !strings.Contains(err.Error(), "joins-1000") {
		t.Errorf("got %v", err)
	}
}
