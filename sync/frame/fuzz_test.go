package frame_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// FuzzDecode: no text makes Decode panic, a refusal is one of the table, and what
// is accepted means the same when it is decoded again: without its spaces, and
// after encoding/json has had it in hands.
func FuzzDecode(f *testing.F) {
	file := readClientFile(f)
	for _, c := range file.Frames {
		f.Add([]byte(c.Frame))
	}
	for _, c := range file.Refused {
		f.Add(c.bytes(f))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := frame.Decode(raw, strict.Limits{})
		if err != nil {
			wantTabled(t, err)
			return
		}
		body, err := frame.Strict(raw, strict.Limits{})
		if err != nil {
			t.Fatalf("decoded, and yet refused by the scanner: %v", err)
		}
		wantSame(t, got, body)
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Fatalf("encoding/json refuses what was decoded: %v", err)
		}
		wantSame(t, got, []byte(text(fields)))
	})
}

// FuzzDecodeMutation is the same for the body of an HTTP mutation.
func FuzzDecodeMutation(f *testing.F) {
	for _, c := range readClientFile(f).Frames {
		f.Add([]byte(c.Frame))
	}
	f.Add([]byte(`{"changes":[{"entity_id":"g1","payload":1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := frame.DecodeMutation(raw, strict.Limits{})
		if err != nil {
			wantTabled(t, err)
			return
		}
		body, err := frame.Strict(raw, strict.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := frame.DecodeMutation(body, strict.Limits{})
		if err != nil || text(newSaidMutation(again)) != text(newSaidMutation(m)) {
			t.Fatalf("%s is %s, and then %s, %v", raw, text(newSaidMutation(m)), text(newSaidMutation(again)), err)
		}
	})
}

// FuzzEvent: whatever its names hold, an event is one line of JSON with its data
// and payload where it says, in every envelope.
func FuzzEvent(f *testing.F) {
	f.Add("ADDED", "g1", "u1", "c9", "trace", []byte(`{"a":[1,2]}`), byte(0))
	f.Add("x", "</script>\u2028", "\\\"", "\x7f", "\n", []byte(`null`), byte(1))
	f.Add("", "é😀", "\xff", "", "", []byte(`{"type":1,"a\u0022":"\n"}`), byte(4))
	f.Fuzz(func(t *testing.T, name, entity, user, by, trace string, payload []byte, op byte) {
		value, err := frame.Strict(payload, strict.Limits{})
		if err != nil || !utf8.ValidString(strings.Join([]string{name, entity, user, by, trace}, ",")) || op > byte(topics.OpNone) {
			return // nothing of this kind gets past the decoder
		}
		in := topics.Event{
			Version: 1, Name: name, Op: topics.Op(op), EntityID: entity, Payload: value, User: user, Client: by, Seq: 1,
			TraceID: trace, Time: time.UnixMilli(1_795_000_000_123),
		}
		e := frame.Event(in)
		e.Kind = store.KindRow
		frames, err := client.ParseFrames(frame.AppendEvents(nil, frame.Run{Topic: "a:1", To: 1}, []store.Event{e}))
		if err != nil || len(frames) != 1 || len(frames[0].Events) != 1 {
			t.Fatalf("%s is no frame: %v", e.JSON, err)
		}
		got := frames[0].Events[0]
		if got.Name != name || got.Data.EntityID != entity || got.Data.User != user || got.Client != by || !bytes.Equal(got.Data.Payload, value) {
			t.Fatalf("%+v was read back as %+v", in, got)
		}
		if !bytes.Equal(e.PayloadJSON(), value) || !bytes.Equal(frame.Payload(e.DataJSON()), value) {
			t.Fatalf("the payload of %s is %s, by its data %s", e.JSON, e.PayloadJSON(), frame.Payload(e.DataJSON()))
		}
		topic := store.Topic{Tenant: "default", Name: "a:1"}
		for _, line := range [][]byte{e.JSON, frame.AppendPlain(nil, topic, e), frame.AppendFlat(nil, topic, e), frame.AppendSnapshot(nil, frame.Run{}, []store.Event{e})} {
			if _, err := strict.Compact(nil, line, strict.Limits{Depth: 64}); err != nil || bytes.ContainsAny(line, "\r\n") {
				t.Fatalf("%s: %v", line, err)
			}
		}
	})
}

func wantSame(t *testing.T, want frame.Frame, raw []byte) {
	t.Helper()
	again, err := frame.Decode(raw, strict.Limits{})
	if err != nil || !sameMeaning(meaning(again), meaning(want)) {
		t.Fatalf("%s means %s, %v; before it meant %s", raw, meaning(again), err, meaning(want))
	}
}

// sameMeaning compares two meanings. Marshaling a payload puts an escape in place
// of U+2028 and U+2029, which is the same text.
func sameMeaning(a, b string) bool {
	escape := strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`)
	return escape.Replace(a) == escape.Replace(b)
}

func wantTabled(t *testing.T, err error) {
	t.Helper()
	e := topics.AsError(err)
	if _, known := topics.Codes()[e.Code]; !known || e.Code == topics.CodeInternal || e.Message == "" {
		t.Fatalf("refused with %v", err)
	}
}
