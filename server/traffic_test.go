package server_test

import (
	"encoding/json"
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance/validate"
	"github.com/lockstep-sync/lockstep/sync/frame"
)

// sound fails the test unless a line that the server said is as the schemas of
// lockstep.v1 have it. All traffic of these tests passes here. A type that is not the
// protocol's own is an application's message.
//
// A line that was found sound once is not looked at again: many readers hear the same.
func sound(t *testing.T, line string) {
	t.Helper()
	if _, again := soundOnes.LoadOrStore(maphash.String(soundSeed, line), true); again {
		return
	}
	kind := validate.Guess([]byte(line))
	if strings.HasPrefix(line, `{"type":`) && kind == validate.Server && isEnvelope(line) {
		kind = validate.Flat
	}
	for _, f := range validate.Text(kind, []byte(line)) {
		if kind != validate.Server || f.Rule != "T-1" || f.Field != "type" {
			t.Errorf("the server said\n%s\nas %s: %s", line, kind, f)
		}
	}
}

// soundOnes are the hashes of the lines that have been looked at.
var (
	soundOnes sync.Map
	soundSeed = maphash.MakeSeed()
)

// isEnvelope reports whether a line of an unknown type is of a topic's log, and so an
// event's and not an application's.
func isEnvelope(line string) bool {
	var members struct {
		Type    string
		Topic   *string
		Version *uint64
	}
	err := json.Unmarshal([]byte(line), &members)
	return err == nil && !frame.Known(members.Type) && members.Topic != nil && members.Version != nil
}

// soundLines is sound for each line of a message.
func soundLines(t *testing.T, message string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(message), "\n") {
		sound(t, line)
	}
}

// soundBody is sound for the body of an answer.
func soundBody(t *testing.T, r *http.Request, a answer) {
	t.Helper()
	path := r.URL.Path
	switch media := a.header.Get("Content-Type"); {
	case len(a.body) == 0 || !strings.HasPrefix(path, "/v1/"):
	case media == "application/x-ndjson":
		soundLines(t, string(a.body))
	case strings.HasPrefix(media, "application/"):
		for _, f := range validate.Text(bodyKind(r.Method, path, media), a.body) {
			t.Errorf("%s %s was answered\n%s\n%s", r.Method, path, a.body, f)
		}
	}
}

func bodyKind(method, path, media string) validate.Kind {
	switch {
	case media == "application/problem+json":
		return validate.Problem
	case path == "/v1/hello":
		return validate.Hello
	case path == "/v1/sync":
		return validate.Synced
	case strings.HasSuffix(path, "/events"):
		return validate.Poll
	case method != http.MethodGet:
		return validate.Ack
	case strings.Contains(path, "/entities/"):
		return validate.Row
	}
	return validate.Snapshot
}
