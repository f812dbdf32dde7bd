package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// patient is how long a test waits for what must come.
const patient = 10 * time.Second

// house is a server over an engine over a memory store, on a loopback port.
type house struct {
	t      *testing.T
	store  store.Store
	engine *statesync.Engine
	server *server.Server
	// metrics are those of the engine and the server.
	metrics *prometheus.Registry
	url     string
	client  *http.Client
}

type options struct {
	server    server.Options
	limits    statesync.Limits
	heartbeat time.Duration
	store     func(store.Store) store.Store
	declared  func(topicType string) bool
}

// open starts a house; what is wrong while it ends fails the test.
func open(t *testing.T, change ...func(*options)) *house {
	t.Helper()
	o := options{server: server.Options{Authenticator: server.DevAuth{}, Logger: slog.New(slog.DiscardHandler)}}
	o.server.Limits.DrainWindow = time.Millisecond
	for _, f := range change {
		f(&o)
	}
	h := &house{t: t, store: memory.New(memory.Options{}), metrics: prometheus.NewRegistry()}
	if o.store != nil {
		h.store = o.store(h.store)
	}
	h.engine = statesync.New(statesync.Options{Store: h.store, Limits: o.limits, Heartbeat: o.heartbeat, Metrics: h.metrics, Declared: o.declared})
	o.server.Engine, o.server.Metrics = h.engine, h.metrics
	h.server = server.New(o.server)
	listener := httptest.NewUnstartedServer(nil)
	listener.Config = h.server.HTTPServer(h.server.Handler())
	listener.Start()
	h.url = listener.URL
	h.client = &http.Client{Transport: &http.Transport{}, Timeout: 2 * patient}
	t.Cleanup(func() {
		seen.add(t, h.metrics)
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := h.server.Drain(ctx); err != nil {
			t.Errorf("draining: %v", err)
		}
		h.client.CloseIdleConnections()
		listener.Close()
		if err := h.engine.Close(ctx); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
		seen.add(t, h.metrics)
	})
	return h
}

// answer is an HTTP answer, read.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// do sends a request; headers are "Name: value".
func (h *house) do(method, path, body string, headers ...string) answer {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patient)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	res, err := h.client.Do(r)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	a := answer{h.t, res.StatusCode, res.Header, b}
	soundBody(h.t, r, a)
	return a
}

// put makes value the entity's, and fails the test if that is refused.
func (h *house) put(topic, id, value string) answer {
	h.t.Helper()
	return h.do("PUT", "/v1/topics/"+topic+"/entities/"+id, value).want(http.StatusOK)
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// json decodes the body into its fields.
func (a answer) json() map[string]any {
	a.t.Helper()
	return decode(a.t, a.body)
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	fields := make(map[string]any)
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		t.Fatalf("%q is not a JSON object: %v", text, err)
	}
	return fields
}

// holds compares fields as text; a field that is absent is "<nil>".
func holds(t *testing.T, got map[string]any, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if text := show(got[name]); text != value {
			t.Errorf("%s is %s, want %s (in %v)", name, text, value, got)
		}
	}
}

func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case nil:
		return "<nil>"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
