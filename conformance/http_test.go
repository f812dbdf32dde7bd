package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// exchange is one request and its answer. The file's exchanges are one story: each
// finds what those before it have left.
type exchange struct {
	Name    string
	Request struct {
		Method  string
		Path    string
		Headers map[string]string
		Body    json.RawMessage // JSON, or
		Text    string          // what is not
	}
	Answer answer
}

type answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"` // those of ours
	Type    string            `json:"type,omitempty"`    // the body's content type
	Body    json.RawMessage   `json:"body,omitempty"`    // one JSON value, or
	Lines   []json.RawMessage `json:"lines,omitempty"`   // NDJSON
}

// ours are the headers that the protocol has a meaning for.
var ours = []string{"ETag", "Retry-After", "Lockstep-Position", "Preference-Applied", "Allow", "Accept-Patch", "WWW-Authenticate", "Access-Control-Allow-Origin"}

// trace makes the answers' trace ids the same each time.
const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// TestHTTP plays the exchanges against a server whose clock stands still.
func TestHTTP(t *testing.T) {
	var file struct {
		About     string
		Exchanges []exchange
	}
	if err := conformance.Read("protocol/http.json", &file); err != nil {
		t.Fatal(err)
	}
	base, b := startServer(t), make(bindings)
	for _, x := range file.Exchanges {
		t.Run(x.Name, func(t *testing.T) {
			got, want := asText(t, x.play(t, base, b)), asText(t, x.Answer)
			if got = b.inFile(got, want); got != prose.ReplaceAllString(want, "$1") {
				t.Errorf("%s %s is answered\n%s\nwant\n%s", x.Request.Method, x.Request.Path, got, want)
			}
		})
	}
}

// bindings are the words of the file that stand for what a server chooses, epochs,
// sessions and page cursors, with what this server has chosen.
type bindings map[string]string

// chosen finds them in an answer's text.
var chosen = regexp.MustCompile(`"(?:epoch|next|session)":"([^"]+)"`)

// prose is for people, and may be worded otherwise.
var prose = regexp.MustCompile(`("(?:message|detail)"):"(?:[^"\\]|\\.)*"`)

// onWire puts the server's words in place of the file's.
func (b bindings) onWire(text string) string {
	for mine, its := range b {
		text = strings.ReplaceAll(text, mine, its)
	}
	return text
}

// inFile learns from an answer what its words are, by their places in the one that
// was wanted, and puts the file's in their place. What it takes for granted is that
// different words of the file stand for different ones of the server.
func (b bindings) inFile(got, want string) string {
	its, mine := chosen.FindAllStringSubmatch(got, -1), chosen.FindAllStringSubmatch(want, -1)
	for i := range min(len(its), len(mine)) {
		if _, known := b[mine[i][1]]; !known {
			b[mine[i][1]] = its[i][1]
		}
	}
	for mine, its := range b {
		got = strings.ReplaceAll(got, its, mine)
	}
	return prose.ReplaceAllString(got, "$1")
}

func startServer(t *testing.T) string {
	t.Helper()
	noon := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	engine := statesync.New(statesync.Options{
		Store: memory.New(memory.Options{}),
		Clock: func() time.Time { return noon },
	})
	s := server.New(server.Options{Engine: engine, Authenticator: server.DevAuth{}})
	listener := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		listener.Close()
		if err := s.Drain(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return listener.URL
}

func (x exchange) play(t *testing.T, base string, b bindings) answer {
	t.Helper()
	body := x.Request.Text
	if x.Request.Body != nil {
		body = string(x.Request.Body)
	}
	path := b.onWire(x.Request.Path)
	r, err := http.NewRequestWithContext(t.Context(), x.Request.Method, base+path, strings.NewReader(b.onWire(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", trace)
	for name, value := range x.Request.Headers {
		r.Header.Set(name, b.onWire(value))
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return newAnswer(response, text)
}

// wallClock is the one moment in an answer that is not of the engine's clock.
var wallClock = regexp.MustCompile(`"server_time":"[^"]*"`)

func newAnswer(response *http.Response, body []byte) answer {
	a := answer{Status: response.StatusCode, Type: response.Header.Get("Content-Type")}
	for _, name := range ours {
		if value := response.Header.Get(name); value != "" {
			if a.Headers == nil {
				a.Headers = make(map[string]string)
			}
			a.Headers[name] = value
		}
	}
	body = wallClock.ReplaceAll(body, []byte(`"server_time":"2026-11-21T10:00:00.000Z"`))
	switch lines := strings.TrimSuffix(string(body), "\n"); {
	case lines == "":
	case a.Type == "application/x-ndjson":
		for line := range strings.SplitSeq(lines, "\n") {
			a.Lines = append(a.Lines, json.RawMessage(line))
		}
	default:
		a.Body = json.RawMessage(lines)
	}
	return a
}

// asText is v as compact JSON; json.Marshal compacts what is raw in it.
func asText(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
