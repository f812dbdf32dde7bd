package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// parameters are those that paths know, beside those of the identity.
var parameters = map[string][]string{
	"/v1/topics/a:1":            {"min_version", "limit", "cursor"},
	"/v1/topics/a:1/events":     {"after", "wait", "mode"},
	"/v1/topics/a:1/entities/x": {"min_version"},
	"/v1/hello":                 {},
	"/v1/ws":                    {"envelope"},
	"/ws/x":                     {"envelope"},
}

var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,15})$`)

// clean reports whether a query has only parameters that the path knows, each once,
// and numbers as they are written on the wire. One that has not must be refused.
func clean(path, query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	for name, list := range values {
		known := slices.Contains(parameters[path], name) || slices.Contains([]string{"token", "user", "tenant"}, name)
		if !known || len(list) != 1 || !utf8.ValidString(list[0]) {
			return false
		}
		if number := slices.Contains([]string{"min_version", "limit", "wait"}, name); number && !wholeNumber.MatchString(list[0]) {
			return false
		}
	}
	return true
}

// FuzzQuery: whatever stands in a query, the answer is one of ours, and a refusal
// says what is wrong. What is not understood is never passed over.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "limit=1&limit=2", "cursor=MS4x", "after=aaaaaaaaaaaaa-1", "mode=every", "min_version=0", "wait=0",
		"user=%ff", "tenant=A", "token=x", "a=%zz", "%=", ";", "limit=%2B1", "after=&after=", "envelope=flat", "min_version=1e3", "%80=1",
	} {
		f.Add(seed)
	}
	engine := statesync.New(statesync.Options{Store: memory.New(memory.Options{})})
	f.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			f.Errorf("closing the engine: %v", err)
		}
	})
	s := server.New(server.Options{Engine: engine, Authenticator: server.DevAuth{}, Logger: slog.New(slog.DiscardHandler), Limits: server.Limits{MinVersion: 1, Wait: 1}})
	f.Fuzz(func(t *testing.T, query string) {
		for path := range parameters {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Host = "localhost"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			check(t, path, w.Result())
			if !clean(path, query) && w.Code != http.StatusBadRequest {
				t.Errorf("%s?%s is answered %d", path, query, w.Code)
			}
		}
	})
}

// FuzzStream: whatever a client says that it heard last, of whatever topics, the
// answer is a stream or one of our refusals.
func FuzzStream(f *testing.F) {
	for _, seed := range [][2]string{
		{"", "topics=a:1"},
		{"aaaaaaaaaaaaa-1", "topics=a:1"},
		{"aaaaaaaaaaaaa-1,-", "topics=a:1,b:2"},
		{"-", "topics=a:1&snapshot=true"},
		{"aaaaaaaaaaaaa-9007199254740993", "topics=a:1"},
		{",", "topics=,"},
		{"AAAAAAAAAAAAA-1", "topics=a:1&mode=every"},
		{"aaaaaaaaaaaaa-01", "topics=a:1&protocol=lockstep.v1"},
		{"\x00", "topics=%00"},
		{"-1", "after=-1&topics=a:1"},
	} {
		f.Add(seed[0], seed[1])
	}
	engine := statesync.New(statesync.Options{Store: memory.New(memory.Options{})})
	f.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			f.Errorf("closing the engine: %v", err)
		}
	})
	s := server.New(server.Options{Engine: engine, Authenticator: server.DevAuth{}, Limits: server.Limits{NewSessions: 1 << 30}})
	f.Fuzz(func(t *testing.T, id, query string) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // a stream that begins ends at once
		for _, path := range []string{"/v1/events", "/v1/topics/a:1/events"} {
			r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Host = "localhost"
			r.Header = http.Header{"Accept": {"text/event-stream"}, "Last-Event-Id": {id}}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			check(t, path, w.Result())
		}
	})
}

func check(t *testing.T, path string, res *http.Response) {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		return
	}
	var problem struct {
		Status             int
		Code, Field, Title string
		Detail             string
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		t.Fatalf("%s answers %q: %v", path, body, err)
	}
	if problem.Status != res.StatusCode || problem.Code == "internal" || problem.Detail == "" || problem.Field == "" && problem.Code == "invalid" {
		t.Errorf("%s answers %s", path, body)
	}
}
