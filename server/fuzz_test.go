package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// FuzzQuery: whatever stands in a query, the answer is one of ours, and a refusal
// says what is wrong.
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
	paths := []string{"/v1/topics/a:1", "/v1/topics/a:1/events", "/v1/topics/a:1/entities/x", "/v1/hello", "/v1/ws", "/ws/x"}
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range paths {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Host = "localhost"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			check(t, path, w.Result())
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
