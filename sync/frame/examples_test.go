package frame_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

type clientFile struct {
	About  string
	Frames []struct {
		Name  string
		Loose bool // a server takes it, though a client should not send it
		Frame json.RawMessage
		Means json.RawMessage
	}
	Refused []refusedFrame
}

type refusedFrame struct {
	Name   string
	Text   string
	Base64 string // where the bytes are no text
	Code   topics.Code
	Field  string
	Beyond bool // what is wrong with it no schema can say
}

func (r refusedFrame) bytes(t testing.TB) []byte {
	t.Helper()
	if r.Base64 == "" {
		return []byte(r.Text)
	}
	raw, err := base64.StdEncoding.DecodeString(r.Base64)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func readClientFile(t testing.TB) clientFile {
	t.Helper()
	var file clientFile
	if err := conformance.Read("protocol/client.json", &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// Every frame of a client means what its file says, however it is spaced.
func TestDecodeExamples(t *testing.T) {
	for _, c := range readClientFile(t).Frames {
		t.Run(c.Name, func(t *testing.T) {
			got, err := frame.Decode(c.Frame, strict.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := meaning(got), compact(t, c.Means); got != want {
				t.Errorf("decoded as\n%s\nwant\n%s", got, want)
			}
			again, err := frame.Decode([]byte(compact(t, c.Frame)), strict.Limits{})
			if err != nil || meaning(again) != meaning(got) {
				t.Errorf("without its spaces it is %s, %v", meaning(again), err)
			}
		})
	}
}

// What is wrong with a frame is said with a code and the field's place.
func TestDecodeRefuses(t *testing.T) {
	for _, c := range readClientFile(t).Refused {
		t.Run(c.Name, func(t *testing.T) {
			f, err := frame.Decode(c.bytes(t), strict.Limits{})
			if err == nil {
				t.Fatalf("decoded as %s", meaning(f))
			}
			if e := topics.AsError(err); e.Code != c.Code || e.Field != c.Field || e.Message == "" {
				t.Errorf("%s about %q (%s); want %s about %q", e.Code, e.Field, e.Message, c.Code, c.Field)
			}
		})
	}
}

// An HTTP mutation may leave out what comes by the path and by the idempotency key.
func TestDecodeMutationExamples(t *testing.T) {
	m, err := frame.DecodeMutation([]byte(`{"changes":[{"entity_id":"g1","payload":1}]}`), strict.Limits{})
	if err != nil || m.Topic != "" || m.Client != "" || m.Seq != 0 || len(m.Changes) != 1 {
		t.Errorf("a body of changes alone is %+v, %v", m, err)
	}
	for text, field := range map[string]string{
		`[]`:                                     "",
		`{}`:                                     "changes",
		`{"changes":[],"seq":1}`:                 "client",
		`{"changes":[],"client":"c"}`:            "seq",
		`{"changes":[],"topic":"a"}`:             "topic",
		`{"changes":[{"entity_id":"","op":""}]}`: "changes[0].entity_id",
	} {
		if _, err := frame.DecodeMutation([]byte(text), strict.Limits{}); err == nil || topics.AsError(err).Field != field {
			t.Errorf("%s: %v; want an error about %q", text, err, field)
		}
	}
}

func TestSplit(t *testing.T) {
	for message, want := range map[string]int{
		"": 0, "\n": 0, "a": 1, "a\n": 1, "a\nb": 2, "a\n\n \r\nb\n": 2,
	} {
		if got := frame.Split([]byte(message)); len(got) != want {
			t.Errorf("Split(%q) has %d frames, want %d", message, len(got), want)
		}
	}
}

func compact(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
