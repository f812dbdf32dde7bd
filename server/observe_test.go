package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// logbook keeps what is logged.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestAccessLog: every request has a line with its trace, and no line a token.
func TestAccessLog(t *testing.T) {
	log := &logbook{}
	h := open(t, withJWT(t), func(o *options) {
		o.server.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	token := hs256(t, reads("a:*"))
	const trace = "0123456789abcdef0123456789abcdef"
	h.do("GET", "/v1/topics/a:1", "", "Authorization: Bearer "+token, "Traceparent: 00-"+trace+"-0123456789abcdef-01").want(200)
	h.do("GET", "/v1/topics/a:1?token="+token, "").want(401)
	h.do("GET", "/v1/topics/"+token+"?token="+token, "").want(401)
	h.dial("/v1/ws?token=" + token)
	h.listen("/v1/topics/a:1/events?token="+token, "").close()
	h.eventually(func() bool { return strings.Count(log.String(), `"msg":"request"`) == 5 })
	text := log.String()
	if strings.Contains(text, token) || strings.Contains(text, token[len(token)-20:]) || strings.Contains(text, token[:30]) {
		t.Errorf("a token is in the log:\n%s", text)
	}
	for _, want := range []string{`"trace_id":"` + trace + `"`, `"status":401`, `"status":101`, `"user":"ann"`, `"path":"/v1/topics/a:1"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the log:\n%s", want, text)
		}
	}
	log.mu.Lock()
	log.text.Reset()
	log.mu.Unlock()
}

// TestAccessLogOfTheGone: who left before the answer is no failure of the server's.
func TestAccessLogOfTheGone(t *testing.T) {
	log := &logbook{}
	h := open(t, func(o *options) {
		o.server.Limits.MinVersion = time.Millisecond
		o.server.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ask := func(ctx context.Context) {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/topics/a:1?min_version=1", nil)
		h.server.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	ask(t.Context())
	gone, leave := context.WithCancel(t.Context())
	leave()
	ask(gone)
	for _, want := range []string{`"WARN"`, `"DEBUG"`} {
		line, err := log.text.ReadString('\n')
		if err != nil || !strings.Contains(line, want) || !strings.Contains(line, `"status":503`) {
			t.Errorf("want %s, logged is %q", want, line)
		}
	}
}

// TestGzip: a long snapshot is compressed for those who take that, and is the same.
func TestGzip(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `"`+strings.Repeat("long ", 1000)+`"`)
	h.put("b:1", "x", `"short"`)
	fetch := func(path, accept string) (*http.Response, []byte) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if accept != "" {
			r.Header.Set("Accept-Encoding", accept)
		}
		res, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, body
	}
	plain, want := fetch("/v1/topics/a:1", "") //nolint:bodyclose // fetch has read and closed it
	for _, accept := range []string{"gzip", "br, gzip;q=0.5", "GZIP"} {
		res, body := fetch("/v1/topics/a:1", accept) //nolint:bodyclose // fetch has read and closed it
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("%s: %v", accept, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) || len(body) > len(want)/10 {
			t.Errorf("%s: %d bytes stand for %d: %v", accept, len(body), len(want), err)
		}
		if res.Header.Get("ETag") != plain.Header.Get("ETag") || !strings.Contains(strings.Join(res.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("headers %v", res.Header)
		}
	}
	for path, accept := range map[string]string{"/v1/topics/b:1": "gzip", "/v1/topics/a:1": "gzip;q=0", "/v1/topics/a:1?": "br"} {
		if res, _ := fetch(path, accept); res.Header.Get("Content-Encoding") != "" { //nolint:bodyclose // fetch has read and closed it
			t.Errorf("%s with %s is compressed", path, accept)
		}
	}
}
