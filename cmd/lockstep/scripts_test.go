package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A page without a build step gets the client from the server itself, once.
func TestClientScripts(t *testing.T) {
	h := withScripts(http.NotFoundHandler())
	get := func(path, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for path, text := range map[string]string{"/client.js": "createClient", "/client.iife.js": "var lockstep="} {
		w := get(path, "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: status %d, and no %q in it", path, w.Code, text)
		}
		if got := w.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("%s: content type %q", path, got)
		}
		if again := get(path, w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: status %d with %d bytes", path, again.Code, again.Body.Len())
		}
	}
	if w := get("/other.js", ""); w.Code != http.StatusNotFound {
		t.Errorf("another path: status %d", w.Code)
	}
}
