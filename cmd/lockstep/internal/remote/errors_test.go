package remote_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

// What a server answers, and how a caller hears of it.
func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		status      int
		body, want  string
		code        topics.Code
		later, lost bool
	}{
		"a problem": {
			http.StatusPreconditionFailed,
			`{"code":"conflict","field":"changes[0].if_version","message":"is 1","retry":"never","current":{"entity_id":"a"},"current_version":2}`,
			"conflict: changes[0].if_version is 1", topics.CodeConflict, false, false,
		},
		"later":            {http.StatusServiceUnavailable, `{"code":"overloaded","message":"wait","retry":"later","retry_after_ms":5}`, "overloaded: wait", topics.CodeOverloaded, true, false},
		"a code to come":   {http.StatusTeapot, `{"code":"short_and_stout","message":"tea","retry":"never"}`, "short_and_stout: tea", "short_and_stout", false, false},
		"somebody else":    {http.StatusNotFound, `<html>`, "the answer is 404 Not Found and not Lockstep's; is the URL right?", topics.CodeInternal, false, false},
		"a proxy":          {http.StatusBadGateway, ``, "502 Bad Gateway", topics.CodeInternal, true, false},
		"no JSON at all":   {http.StatusOK, `<html>`, "the server's answer cannot be read", "", false, true},
		"no version of it": {http.StatusOK, `[]`, "the server's answer cannot be read", "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer server.Close()
			client, err := remote.New(remote.Options{URL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_, err = client.Row(t.Context(), "a:1", "x")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			var refusal *remote.Refusal
			if errors.As(err, &refusal) == tc.lost {
				t.Fatalf("%T", err)
			}
			if !tc.lost && (refusal.Said.Code != tc.code || refusal.Later() != tc.later) {
				t.Errorf("%+v", refusal)
			}
		})
	}
}

// Ids and users may hold what a URL must not.
func TestEscaping(t *testing.T) {
	var seen string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.URL.EscapedPath() + "?" + r.URL.RawQuery + " " + r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	client, err := remote.New(remote.Options{URL: server.URL + "/base/", User: "a&b", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Row(t.Context(), "a:1", "x/y?z ü/.."); err != nil {
		t.Fatal(err)
	}
	if want := "/base/v1/topics/a:1/entities/x%2Fy%3Fz%20%C3%BC%2F..?user=a%26b Bearer secret"; seen != want {
		t.Errorf("asked for %s, want %s", seen, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, url := range []string{"", "localhost:7001", "ftp://h", "http://", "://"} {
		if _, err := remote.New(remote.Options{URL: url}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}
