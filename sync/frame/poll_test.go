package frame

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

func TestDecodePoll(t *testing.T) {
	p, err := DecodePoll([]byte(`{"session":"s","frames":[{"type":"ping"},7],"positions":{"a:1":"aaaaaaaaaaaaa-7","b:2":null},"wait":3,"more":1}`), strict.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	at := topics.Position{Epoch: "aaaaaaaaaaaaa", Version: 7}
	if p.Session != "s" || p.Wait != 3 || len(p.Frames) != 2 || string(p.Frames[0]) != `{"type":"ping"}` ||
		len(p.Positions) != 2 || p.Positions[0].Topic != "a:1" || *p.Positions[0].At != at || p.Positions[1].At != nil {
		t.Errorf("decoded %+v", p)
	}
	if p, err := DecodePoll([]byte(`{}`), strict.Limits{}); err != nil || p.Session != "" || p.Frames != nil || p.Positions != nil {
		t.Errorf("decoded %+v, %v", p, err)
	}
	deep := `{"frames":[` + strings.Repeat("[", 3) + strings.Repeat("]", 3) + `]}`
	if _, err := DecodePoll([]byte(deep), strict.Limits{Depth: 3}); err != nil {
		t.Errorf("a frame may be as deep as in a message: %v", err)
	}
	if _, err := DecodePoll([]byte(strings.Replace(deep, "[[", "[[[", 1)), strict.Limits{Depth: 3}); err == nil {
		t.Error("a frame may not be deeper than in a message")
	}
}

// FuzzDecodePoll: what is let in comes out as it went in, and each of its frames is
// what a message may hold.
func FuzzDecodePoll(f *testing.F) {
	for _, seed := range []string{
		`{"frames":[{"type":"ping"}]}`, `{"positions":{"a:1":"aaaaaaaaaaaaa-7"}}`, `{"wait":1e3}`, `{"frames":null,"positions":null}`,
		`{"positions":{"a":7}}`, `[]`, `{"session":7}`, `{"frames":[[]]}`, "{\"frames\":[\"\\n\"]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := DecodePoll(raw, strict.Limits{})
		if err != nil {
			if topics.AsError(err).Code == topics.CodeInternal {
				t.Errorf("refused with %v", err)
			}
			return
		}
		for _, one := range p.Frames {
			if !json.Valid(one) || strings.ContainsAny(string(one), "\n\r") {
				t.Errorf("a frame is %q", one)
			}
		}
		for _, s := range p.Positions {
			if s.At == nil {
				continue
			}
			if again, err := topics.ParsePosition(s.At.String()); err != nil || again != *s.At {
				t.Errorf("a position is %v", s.At)
			}
		}
	})
}

// FuzzReadEnvelope: reading a line never takes a control line for an event.
func FuzzReadEnvelope(f *testing.F) {
	f.Add([]byte(`{"topic":"a:1","event":"ADDED","data":{},"version":7}`))
	f.Add([]byte(`{"type":"error","topic":"a:1"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if _, ok := ReadEnvelope(line); ok && !strings.HasPrefix(string(line), `{"topic":`) {
			t.Errorf("%q is taken for an event", line)
		}
	})
}
