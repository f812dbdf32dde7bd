package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/lockstep-sync/lockstep/topics"
)

// gate decides whose pages may call. A request without an Origin is not a page's
// and passes: it carries no credentials that its sender did not put there.
type gate struct {
	patterns []string // lower case
	// loopback: the server believes everybody, so it answers only to loopback names
	// and to pages from there. The first closes DNS rebinding.
	loopback bool
}

func newGate(allowed []string, loopback bool) gate {
	g := gate{loopback: loopback}
	for _, pattern := range allowed {
		g.patterns = append(g.patterns, strings.ToLower(strings.TrimSuffix(pattern, "/")))
	}
	return g
}

// check refuses a request that a page of another origin made, and tells the
// browser of one that may pass that it may read the answer.
func (g gate) check(r *http.Request, h http.Header) error {
	if g.loopback && !isLoopback(hostname(r.Host)) {
		return topics.Errorf(topics.CodeForbidden, "Host", "%q is no loopback name; a server without authentication answers on localhost only", clip(r.Host))
	}
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if !g.allows(origin, r.Host) {
		return topics.Errorf(topics.CodeForbidden, "Origin", "%q may not call this server; add it to the allowed origins", clip(origin))
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if g.trusts(r) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Access-Control-Expose-Headers", "ETag, Retry-After, Lockstep-Position, Preference-Applied")
	return nil
}

func (g gate) allows(origin, host string) bool {
	origin = strings.ToLower(origin)
	if slices.ContainsFunc(g.patterns, func(p string) bool { return p == "*" || matches(p, origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if g.loopback {
		return isLoopback(u.Hostname())
	}
	return u.Host == strings.ToLower(host)
}

// trusts reports whether a cookie of the request counts: not where a page of any
// origin at all may have sent it.
func (g gate) trusts(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	strict := gate{loopback: g.loopback}
	for _, p := range g.patterns {
		if p != "*" {
			strict.patterns = append(strict.patterns, p)
		}
	}
	return origin == "" || strict.allows(origin, r.Host)
}

func matches(pattern, origin string) bool {
	ok, err := path.Match(pattern, origin)
	return pattern == origin || ok && err == nil
}

// preflight answers a browser's question before a request that is not simple.
func preflight(w http.ResponseWriter, m methods) {
	h := w.Header()
	h.Set("Allow", m.allow())
	h.Set("Access-Control-Allow-Methods", m.allow())
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Prefer, Last-Event-ID, Traceparent")
	h.Set("Access-Control-Max-Age", "7200")
	w.WriteHeader(http.StatusNoContent)
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
