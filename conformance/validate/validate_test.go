package validate_test

import (
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance/validate"
)

// What is wrong is said with the field and the rule.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		kind validate.Kind
		text string
		want string // the faults, one to a line
	}{
		{validate.Client, `{"type":"ping"}`, ""},
		{validate.Client, `{"type":"ping","type":"ping"}`, "type has the same key twice (N-1)"},
		{validate.Client, `{"type":"ping","x":` + strings.Repeat("[", 40), "is nested too deeply (L-2)"},
		{validate.Client, `[]`, "the text is no object (T-1)"},
		{validate.Client, `{"type":"pong"}`, `type "pong" is no type of a client's frame (T-1)`},
		{validate.Client, `{"type":"mutate","client":"c","seq":1,"topic":"a","changes":[]}`, `topic "a" has no colon`},
		{validate.Client, `{"type":"mutate","client":"c","seq":1.0,"topic":"a:1","changes":[]}`, `seq "1.0" must be a whole number from 0 to 2^53-1 (A-1)`},
		{validate.Client, `{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"entityId":"g","payload":1}]}`, "changes[0].entityId is no member that is known here (A-10)\nchanges[0].entity_id is missing (A-10)"},
		{validate.Client, `{"type":"mutate","client":"c","seq":1,"topic":"a:1","changes":[{"op":"none","payload":1}]}`, "changes[0].event is missing (A-10)"},
		{validate.Client, `{"type":"subscribe","topics":[{"topic":"a:1","version":7}]}`, "topics[0].epoch is missing (R-1)"},
		{validate.Server, `{"type":"resync","topic":"a:1","epoch":"abcdefghij234","reason":"floor","count":3}`, "count has no place here (R-2)"},
		{validate.Server, `{"type":"mark","topic":"a:1","epoch":"E","version":3}`, "epoch \"E\" must be 13"},
		{validate.Server, `{"type":"events","topic":"a:1","epoch":"abcdefghij234","from":0,"to":1,"events":[{"version":1,"event":"DELETED","data":{"entity_id":"g","payload":1,"user_id":"u","timestamp":"2026-11-21T10:00:00.000Z"},"op":"delete"}],"more":false}`, "events[0].data.payload is number; it must be null (E-6)"},
		{validate.Plain, `{"topic":"a:1","event":"ADDED","data":{"entity_id":"g","payload":1,"user_id":"u","tenant_id":"default","timestamp":"today"},"trace_id":"","version":1}`, "data.timestamp"},
		{validate.Poll, `[{"type":"pong"},{"type":"mark","topic":"a:1","epoch":"abcdefghij234"}]`, "[1].version is missing (E-14)"},
		{validate.Poll, `{}`, "the text is object; it must be array (T-8)"},
		{validate.Client, `{"type":"subscribe","topics":[{"topic":"a:1","max_rate":0}]}`, "topics[0].max_rate must be at least 0.01 (R-7)"},
		{validate.Sync, `{"frames":[{"type":"ping"},{"type":"mutate"}],"wait":26}`, "wait must be at most 25 (T-22)\nframes[1].changes is missing (A-1)\nframes[1].client is missing (A-1)"},
		{validate.Sync, `{"frames":7}`, "frames is number; it must be null or array (T-22)"},
		{validate.Synced, `{"session":"s","frames":[{"type":"ping"}]}`, `frames[0].type "ping" is no type of a server's frame (T-1)`},
		{validate.Kind("letter"), `{}`, "is of no kind that is known: letter"},
	} {
		var lines []string
		for _, f := range validate.Text(c.kind, []byte(c.text)) {
			lines = append(lines, f.String())
		}
		got := strings.Join(lines, "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\nhas\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

// What a text says of itself decides what it is taken for.
func TestGuess(t *testing.T) {
	for text, want := range map[string]validate.Kind{
		`{"type":"mutate"}`:                           validate.Client,
		`{"type":"ping"}`:                             validate.Client,
		`{"type":"ack"}`:                              validate.Server,
		`{"type":"telepathy"}`:                        validate.Server,
		`{"type":"signal","topic":"a:1","event":"e"}`: validate.Client,
		`{"type":"signal","topic":"a:1","event":"e","user_id":"u"}`: validate.Server,
		`{"type":"presence","topic":"a:1","state":1}`:               validate.Client,
		`{"type":"presence","topic":"a:1","members":[]}`:            validate.Server,
		`{"topic":"a:1","event":"ADDED"}`:                           validate.Plain,
		`{"type":"x","topic":"a:1","version":1,"entity_id":"g"}`:    validate.Flat,
		`{"event":"ADDED","data":{}}`:                               validate.Event,
		`{"changes":[]}`:                                            validate.Mutation,
		`{"version":1,"entity_id":"g"}`:                             validate.Row,
		`[]`:                                                        validate.Poll,
		`{"type":"urn:x","title":"t","status":400}`:                 validate.Problem,
		`{"protocols":[]}`:                                          validate.Hello,
		`not JSON`:                                                  validate.Server,
	} {
		if got := validate.Guess([]byte(text)); got != want {
			t.Errorf("%s is taken for %s; want %s", text, got, want)
		}
	}
}

// FuzzText: no text makes the check panic, and each fault says something.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`{"type":"ping"}`, `{"type":"mutate","changes":[{"if_version":{}}]}`, `[{}]`, `7`, `{"type":{}}`, `{"topic":"a:1","data":[]}`} {
		f.Add([]byte(seed), byte(0))
	}
	kinds := validate.Kinds()
	f.Fuzz(func(t *testing.T, text []byte, kind byte) {
		validate.Guess(text)
		for _, fault := range validate.Text(kinds[int(kind)%len(kinds)], text) {
			if fault.Problem == "" || fault.Rule == "" {
				t.Errorf("%q: %+v", text, fault)
			}
		}
	})
}

// A file is one text, or one to a line.
func TestFile(t *testing.T) {
	for _, c := range []struct {
		file  string
		texts int
		want  string
	}{
		{`{"type":"ping"}`, 1, ""},
		{"{\n  \"type\": \"ping\"\n}\n", 1, ""},
		{"{\"type\":\"ping\"}\n\n{\"type\":\"pong\"}\n", 2, ""},
		{"{\"type\":\"ping\"}\n{\"type\":\"mark\"}\n", 2, "2: as server: epoch is missing (E-14)\n2: as server: topic is missing (E-14)\n2: as server: version is missing (E-14)"},
		{"{\"type\":\"ping\"}\nnothing\n", 2, "2: as server: the text is not null (N-1)"},
		{"{\n\"type\": 7\n}", 1, "1: as server: type is no name of a type (T-1)"},
		{"", 1, "1: as server: the text ends where a value is expected (N-1)"},
	} {
		texts, found := validate.File("", []byte(c.file))
		var lines []string
		for _, f := range found {
			lines = append(lines, f.String())
		}
		if got := strings.Join(lines, "\n"); texts != c.texts || got != c.want {
			t.Errorf("%q is %d texts:\n%s\nwant %d:\n%s", c.file, texts, got, c.texts, c.want)
		}
	}
}
