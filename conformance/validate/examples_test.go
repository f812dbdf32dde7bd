package validate_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/conformance/validate"
	"github.com/lockstep-sync/lockstep/sync/frame"
)

// sound fails the test unless the text is without a fault.
func sound(t *testing.T, kind validate.Kind, text []byte) {
	t.Helper()
	for _, f := range validate.Text(kind, text) {
		t.Errorf("%s\nas %s: %s", text, kind, f)
	}
}

// Every frame of a client is as its schema has it, and every refused one is not, but
// for those whose fault no schema can see.
func TestClientExamples(t *testing.T) {
	var file struct {
		About  string
		Frames []struct {
			Name  string
			Loose bool
			Frame json.RawMessage
			Means json.RawMessage
		}
		Refused []struct {
			Name, Text, Base64, Code, Field string
			Beyond                          bool
		}
	}
	read(t, "protocol/client.json", &file)
	for _, c := range file.Frames {
		if faults := validate.Text(validate.Client, c.Frame); (len(faults) > 0) != c.Loose {
			t.Errorf("%s: loose is %t, faults are %v", c.Name, c.Loose, faults)
		}
	}
	for _, c := range file.Refused {
		text := []byte(c.Text)
		if c.Base64 != "" {
			text, _ = base64.StdEncoding.DecodeString(c.Base64)
		}
		faults := validate.Text(validate.Client, text)
		if (len(faults) == 0) != c.Beyond {
			t.Errorf("%s: beyond is %t, faults are %v", c.Name, c.Beyond, faults)
		}
		named := c.Beyond
		for _, f := range faults {
			named = named || strings.HasPrefix(f.Field, c.Field) // or a place within it
			if f.Rule == "" || f.Problem == "" {
				t.Errorf("%s: %+v names no rule, or no problem", c.Name, f)
			}
		}
		if !named {
			t.Errorf("%s: the server names %q, and here are %v", c.Name, c.Field, faults)
		}
	}
}

// Every frame and envelope of a server is as its schema has it, and guessed right.
func TestServerExamples(t *testing.T) {
	var file struct {
		About  string
		Frames []struct {
			Name, Append string
			Loose        bool
			Given, Frame json.RawMessage
		}
	}
	read(t, "protocol/server.json", &file)
	for _, c := range file.Frames {
		kind := validate.Server
		if c.Append == "plain" || c.Append == "flat" {
			kind = validate.Kind(c.Append)
		}
		if c.Loose {
			continue
		}
		t.Run(c.Name, func(t *testing.T) { sound(t, kind, c.Frame) })
		if got := validate.Guess(c.Frame); got != kind {
			t.Errorf("%s is taken for %s", c.Name, got)
		}
	}
}

// Every HTTP body is as its schema has it.
func TestHTTPExamples(t *testing.T) {
	var file struct {
		About     string
		Exchanges []struct {
			Name    string
			Request struct {
				Method, Path, Text string
				Headers            map[string]string
				Body               json.RawMessage
			}
			Answer struct {
				Status  int
				Headers map[string]string
				Type    string
				Body    json.RawMessage
				Lines   []json.RawMessage
			}
		}
	}
	read(t, "protocol/http.json", &file)
	for _, x := range file.Exchanges {
		path, _, _ := strings.Cut(x.Request.Path, "?")
		t.Run(x.Name, func(t *testing.T) {
			if strings.HasSuffix(path, "/mutations") {
				sound(t, validate.Mutation, x.Request.Body)
			}
			if path == "/v1/sync" && x.Answer.Status == 200 {
				sound(t, validate.Sync, x.Request.Body)
			}
			for _, line := range x.Answer.Lines {
				sound(t, validate.Server, line)
			}
			if x.Answer.Body == nil {
				return
			}
			kind := bodyKind(x.Request.Method, path, x.Answer.Type)
			sound(t, kind, x.Answer.Body)
			if got := validate.Guess(x.Answer.Body); validate.Text(got, x.Answer.Body) != nil {
				t.Errorf("is taken for %s and is none", got)
			}
		})
	}
}

func bodyKind(method, path, mediaType string) validate.Kind {
	switch {
	case mediaType == "application/problem+json":
		return validate.Problem
	case path == "/v1/hello":
		return validate.Hello
	case path == "/v1/sync":
		return validate.Synced
	case strings.HasSuffix(path, "/events"):
		return validate.Poll
	case method != "GET":
		return validate.Ack
	case strings.Contains(path, "/entities/"):
		return validate.Row
	}
	return validate.Snapshot
}

// What a server says in the conversations is as its schema has it.
func TestConversationExamples(t *testing.T) {
	var file struct {
		About         string
		Conversations []struct {
			Name  string
			Rules []string
			Steps []struct {
				By, Text string
				Says     json.RawMessage
				Hears    []json.RawMessage
			}
		}
	}
	read(t, "protocol/conversations.json", &file)
	for _, c := range file.Conversations {
		t.Run(c.Name, func(t *testing.T) {
			for _, s := range c.Steps {
				for _, frame := range s.Hears {
					sound(t, validate.Server, frame)
				}
			}
		})
	}
}

// The frames of the vectors are frames of the protocol.
func TestVectorFrames(t *testing.T) {
	var file struct {
		About string
		Cases []struct {
			Name  string
			Given json.RawMessage
			Steps []struct {
				Frame            json.RawMessage
				Effect, Position string
				Shown            int
				Rows             json.RawMessage
			}
		}
	}
	read(t, "vectors/replica.json", &file)
	for _, c := range file.Cases {
		for _, s := range c.Steps {
			if !strings.Contains(string(s.Frame), `"telepathy"`) && !strings.Contains(string(s.Frame), `"later"`) {
				sound(t, validate.Server, s.Frame)
			}
		}
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	if err := conformance.Read(name, into); err != nil {
		t.Fatal(err)
	}
}

// Every type of a frame has a schema and an example.
func TestEveryTypeHasAnExample(t *testing.T) {
	for side, file := range map[string]string{"client": "protocol/client.json", "server": "protocol/server.json"} {
		text, err := fs.ReadFile(conformance.Files, file)
		if err != nil {
			t.Fatal(err)
		}
		schemas, err := fs.ReadDir(conformance.Files, "schemas/"+side)
		if err != nil || len(schemas) < 8 {
			t.Fatalf("%d schemas: %v", len(schemas), err)
		}
		for _, entry := range schemas {
			typ := strings.TrimSuffix(entry.Name(), ".json")
			if !strings.Contains(string(text), `"frame": {"type": "`+typ+`"`) {
				t.Errorf("%s has no frame of type %s", file, typ)
			}
			if !frame.Known(typ) {
				t.Errorf("%s has a schema, and is not known to the codec", typ)
			}
		}
	}
}
