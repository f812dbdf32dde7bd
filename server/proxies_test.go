package server_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// behindProxies trusts those that the tables of this file are about.
func behindProxies(o *options) {
	for _, text := range []string{"10.0.0.0/8", "192.0.2.7/32", "fd00::/8", "127.0.0.0/8"} {
		o.server.TrustedProxies = append(o.server.TrustedProxies, netip.MustParsePrefix(text))
	}
}

// TestForwardedFor: a client's address is the rightmost one that no trusted proxy has,
// and what the client wrote itself does not count.
func TestForwardedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		peer string
		list []string // lines of X-Forwarded-For
		want string
	}{
		"no proxy":                      {"203.0.113.5:1234", nil, "203.0.113.5"},
		"a proxy that says nothing":     {"10.0.0.1:80", nil, "10.0.0.1"},
		"a proxy that says nothing ''":  {"10.0.0.1:80", []string{""}, "10.0.0.1"},
		"one proxy":                     {"10.0.0.1:80", []string{"203.0.113.5"}, "203.0.113.5"},
		"an address, not a network":     {"192.0.2.7:80", []string{"203.0.113.5"}, "203.0.113.5"},
		"beside that address":           {"192.0.2.8:80", []string{"203.0.113.5"}, "192.0.2.8"},
		"two proxies":                   {"10.0.0.1:80", []string{"203.0.113.5, 10.9.9.9"}, "203.0.113.5"},
		"an untrusted one between them": {"10.0.0.1:80", []string{"203.0.113.5, 198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"a client that invents":         {"10.0.0.1:80", []string{"1.1.1.1, 10.0.0.9, 203.0.113.5"}, "203.0.113.5"},
		"a client that is no proxy":     {"203.0.113.5:1", []string{"1.1.1.1"}, "203.0.113.5"},
		"several lines":                 {"10.0.0.1:80", []string{"1.1.1.1", "203.0.113.5,10.2.2.2", "10.3.3.3"}, "203.0.113.5"},
		"none but proxies":              {"10.0.0.1:80", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"IPv6":                          {"[fd00::1]:80", []string{"2001:db8::5"}, "2001:db8::5"},
		"IPv6 at length":                {"[fd00::1]:80", []string{"2001:DB8:0:0:0:0:0:5"}, "2001:db8::5"},
		"IPv6 in brackets":              {"[fd00::1]:80", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"IPv6 with a port":              {"[fd00::1]:80", []string{"[2001:db8::5]:443"}, "2001:db8::5"},
		"IPv6 with a zone":              {"[fd00::1%eth0]:80", []string{"fe80::5%eth0"}, "fe80::5"},
		"IPv4 with a port":              {"10.0.0.1:80", []string{"203.0.113.5:4711"}, "203.0.113.5"},
		"IPv4 as IPv6":                  {"[::ffff:10.0.0.1]:80", []string{"::ffff:203.0.113.5"}, "203.0.113.5"},
		"white space":                   {"10.0.0.1:80", []string{" \t203.0.113.5 ,  10.2.2.2  "}, "203.0.113.5"},
		"what is no address":            {"10.0.0.1:80", []string{"203.0.113.5, unknown"}, "10.0.0.1"},
		"what is no address, later":     {"10.0.0.1:80", []string{"203.0.113.5, , 10.2.2.2"}, "10.2.2.2"},
		"a name":                        {"10.0.0.1:80", []string{"localhost"}, "10.0.0.1"},
		"half an address":               {"10.0.0.1:80", []string{"203.0.113"}, "10.0.0.1"},
		"leading zeros":                 {"10.0.0.1:80", []string{"203.0.113.010"}, "10.0.0.1"},
		"too long":                      {"10.0.0.1:80", []string{strings.Repeat("1", 9000)}, "10.0.0.1"},
		"no network":                    {"somewhere", []string{"203.0.113.5"}, "somewhere"},
	} {
		log := &logbook{}
		h := open(t, behindProxies, func(o *options) {
			o.server.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/v1/topics/a:1", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tc.peer, tc.list
		h.server.Handler().ServeHTTP(httptest.NewRecorder(), r)
		var line struct{ Address string }
		if err := json.NewDecoder(strings.NewReader(log.String())).Decode(&line); err != nil && err != io.EOF { //nolint:errorlint // Decode returns it bare
			t.Fatal(err)
		}
		if line.Address != tc.want {
			t.Errorf("%s: the address is %q, want %s", name, line.Address, tc.want)
		}
	}
}

// TestAddressSessionsBehindProxy: each client of a proxy has the bound for itself, on
// every transport (P9).
func TestAddressSessionsBehindProxy(t *testing.T) {
	h := open(t, behindProxies, func(o *options) { o.server.Limits.AddressSessions = 1 })
	from := func(address string) []string { return []string{"X-Forwarded-For: 1.1.1.1, " + address} }
	h.do("POST", "/v1/sync", `{}`, from("203.0.113.5")...).want(http.StatusOK)
	h.do("POST", "/v1/sync", `{}`, from("203.0.113.5")...).want(http.StatusTooManyRequests)
	h.do("GET", "/v1/ws", "", append(from("203.0.113.5"), "Connection: Upgrade", "Upgrade: websocket")...).want(http.StatusTooManyRequests)
	h.do("GET", "/v1/topics/a:1/events", "", append(from("203.0.113.5"), "Accept: text/event-stream")...).want(http.StatusTooManyRequests)
	h.do("POST", "/v1/sync", `{}`, from("203.0.113.6")...).want(http.StatusOK)

	h = open(t, func(o *options) { o.server.Limits.AddressSessions = 1 })
	h.do("POST", "/v1/sync", `{}`, from("203.0.113.5")...).want(http.StatusOK)
	h.do("POST", "/v1/sync", `{}`, from("203.0.113.6")...).want(http.StatusTooManyRequests)
}
