package server

import (
	"strings"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// tokenCookie is the cookie that a token may come in.
const tokenCookie = "lockstep_token"

// identify asks the authenticator who is asking, and holds the tenant to its rate.
func (x *exchange) identify() (statesync.Identity, error) {
	token := x.token()
	if token == "" && x.query.has("token") && !x.isDev() {
		return statesync.Identity{}, topics.Errorf(topics.CodeUnauthorized, "token", "is not taken from this URL; send it by Authorization, or in an auth frame")
	}
	id, err := x.server.auth.Authenticate(x.r, token)
	if err != nil {
		return id, err
	}
	if err := x.claim().check(id); err != nil {
		return id, err
	}
	x.who = id
	if later, ok := x.server.rates.allow(id.Tenant, time.Now()); !ok {
		x.server.metrics.bound("tenant_rate")
		e := topics.Errorf(topics.CodeRateLimited, "", "the tenant sends more than it may; come back in a moment")
		e.RetryAfter = later
		return id, e
	}
	return id, nil
}

// token is what came with the request: by Authorization, in the query where that is
// allowed, or in a cookie. The first of them counts.
func (x *exchange) token() string {
	scheme, token, ok := strings.Cut(x.r.Header.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if token := x.query.text("token"); token != "" && x.queryToken && !x.server.refuseQueryTokens {
		return token
	}
	if cookie, err := x.r.Cookie(tokenCookie); err == nil && x.server.gate.trusts(x.r) {
		return cookie.Value
	}
	return ""
}

// claim is who the URL says that the client is. A token knows better; where it says
// something else, the client believes in what it will not get.
type claim struct{ user, tenant string }

func (x *exchange) claim() claim {
	if x.isDev() {
		return claim{} // there it is all there is, and DevAuth has read it
	}
	c := claim{x.query.text("user"), x.query.text("tenant")}
	if c.tenant == "" {
		c.tenant = x.r.PathValue("tenant")
	}
	return c
}

func (c claim) check(id statesync.Identity) error {
	switch {
	case c.tenant != "" && c.tenant != string(id.Tenant):
		return topics.Errorf(topics.CodeForbidden, "tenant", "%q is not the tenant that the token is for", clip(c.tenant))
	case c.user != "" && c.user != id.User:
		return topics.Errorf(topics.CodeForbidden, "user", "%q is not the user that the token is for", clip(c.user))
	}
	return nil
}

// mayAuthenticateLater reports whether an auth frame can still bring a token: none
// came with the request.
func (x *exchange) mayAuthenticateLater() bool {
	_, able := x.server.auth.(TokenAuthenticator)
	return able && x.token() == "" && !x.query.has("token")
}

func (x *exchange) isDev() bool {
	_, dev := x.server.auth.(DevAuth)
	return dev
}
