package server

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedFor is the header in which proxies list where a request came through: each
// appends the address that it was called from.
const forwardedFor = "X-Forwarded-For"

// proxies are those whose word about a client's address is taken.
type proxies []netip.Prefix

// addressOf is where a request came from: its peer, or where that is a trusted proxy,
// the rightmost address in the proxies' list that is none. What stands further left
// was written by the client, who may have invented it, and so was the whole list when
// the peer is not trusted. Where the list breaks off, or is no address, it is the
// nearest proxy that is known: a bound is then hit too early, not never.
func (p proxies) addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	at, ok := parseAddress(host)
	if !ok {
		return host
	}
	list := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for _, text := range slices.Backward(list) {
		if !p.trust(at) {
			break
		}
		if at, ok = parseAddress(text); !ok {
			return host
		}
		host = at.String()
	}
	return host
}

func (p proxies) trust(at netip.Addr) bool {
	return slices.ContainsFunc(p, func(known netip.Prefix) bool { return known.Contains(at) })
}

// parseAddress reads an address as proxies write it: alone, in brackets, or with a
// port. An IPv4 address is one in either form, and a zone says nothing elsewhere.
func parseAddress(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	at, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		return with.Addr().Unmap().WithZone(""), err == nil
	}
	return at.Unmap().WithZone(""), true
}
