package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance/validate"
)

// sound fails the test unless a line that the server said is as the schemas of
// lockstep.v1 have it. All traffic of these tests passes here. A type that is not the
// protocol's own is an application's message.
func sound(t *testing.T, line string) {
	t.Helper()
	kind := validate.Guess([]byte(line))
	for _, f := range validate.Text(kind, []byte(line)) {
		if kind != validate.Server || f.Rule != "T-1" || f.Field != "type" {
			t.Errorf("the server said\n%s\nas %s: %s", line, kind, f)
		}
	}
}

// soundBody is sound for the body of an answer.
func soundBody(t *testing.T, r *http.Request, a answer) {
	t.Helper()
	path := r.URL.Path
	switch media := a.header.Get("Content-Type"); {
	case len(a.body) == 0 || !strings.HasPrefix(path, "/v1/"):
	case media == "application/x-ndjson":
		for line := range strings.SplitSeq(strings.TrimSuffix(string(a.body), "\n"), "\n") {
			sound(t, line)
		}
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
