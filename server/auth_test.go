package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/lockstep-sync/lockstep/server"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

func grant(pattern string, allow ...string) any {
	return map[string]any{"topics": pattern, "allow": allow}
}

func reads(pattern string) jwt.MapClaims {
	return jwt.MapClaims{"grants": []any{grant(pattern, "read", "write")}}
}

// TestTokenWays: a token comes by any of its ways, and by no other.
func TestTokenWays(t *testing.T) {
	h := open(t, withJWT(t), func(o *options) { o.server.AllowedOrigins = []string{"https://app.example"} })
	token := hs256(t, reads("a:*"))
	for name, c := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"nothing":                   {"/v1/topics/a:1", nil, 401},
		"Authorization":             {"/v1/topics/a:1", []string{"Authorization: Bearer " + token}, 200},
		"another tenant":            {"/v1/topics/a:1?tenant=acme", []string{"Authorization: Bearer " + token}, 403},
		"another user":              {"/v1/topics/a:1?user=ben", []string{"Authorization: Bearer " + token}, 403},
		"the alias of another":      {"/ws/acme?token=" + token, nil, 403},
		"no grant":                  {"/v1/topics/b:1", []string{"Authorization: Bearer " + token}, 403},
		"a cookie":                  {"/v1/topics/a:1", []string{"Cookie: lockstep_token=" + token}, 200},
		"a cookie, a page of ours":  {"/v1/topics/a:1", []string{"Cookie: lockstep_token=" + token, "Origin: https://app.example"}, 200},
		"the header wins":           {"/v1/topics/a:1", []string{"Authorization: Bearer x", "Cookie: lockstep_token=" + token}, 401},
		"the query of a load":       {"/v1/topics/a:1?token=" + token, nil, 401},
		"the query of lockstep.v1":  {"/v1/ws?token=" + token, []string{"Sec-WebSocket-Protocol: lockstep.v1", "Upgrade: websocket"}, 401},
		"the query of a bad stream": {"/v1/events?topics=a:1&token=x", nil, 401},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.do("GET", c.path, "", c.headers...).want(c.status)
			if c.status == 401 && (a.header.Get("WWW-Authenticate") != "Bearer" || show(a.json()["retry"]) != "auth") {
				t.Errorf("%s", a.body)
			}
		})
	}
	h.listen("/v1/topics/a:1/events?token="+token, "").expect("", map[string]string{"type": "subscribed"})
	plain := h.dial("/ws/default?token=" + token)
	plain.say(`{"type":"subscribe","topics":["a:1"]}`)
	plain.expect(map[string]string{"type": "subscribed"})
	closed := open(t, withJWT(t), func(o *options) { o.server.RefuseQueryTokens = true })
	closed.do("GET", "/v1/ws?token="+token, "", "Upgrade: websocket").want(401)
}

// TestCookieOfAnyOrigin: where pages of every origin may call, a cookie does not count
// for them.
func TestCookieOfAnyOrigin(t *testing.T) {
	h := open(t, withJWT(t), func(o *options) { o.server.AllowedOrigins = []string{"*"} })
	cookie := "Cookie: lockstep_token=" + hs256(t, reads("a:*"))
	a := h.do("GET", "/v1/topics/a:1", "", cookie, "Origin: https://evil.example").want(401)
	if a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("a page of any origin may send cookies")
	}
	h.do("GET", "/v1/topics/a:1", "", cookie).want(200)
}

func TestAuthFrame(t *testing.T) {
	h := open(t, withJWT(t))
	token := hs256(t, jwt.MapClaims{"grants": []any{grant("a:*", "read")}, "topics": []string{"a:1"}})
	p := h.dial("/v1/ws", "lockstep.v1")
	p.say(`{"type":"auth","token":"`+token+`"}`, `{"type":"ping"}`)
	p.expect(map[string]string{"type": "welcome", "user_id": "ann"})
	p.expect(map[string]string{"type": "subscribed", "topic": "a:1"})
	if rest := show(p.next()["type"]) + show(p.next()["type"]); rest != "pongsnapshot" && rest != "snapshotpong" {
		t.Errorf("then comes %s", rest)
	}
	// Refreshed in place: the topic goes where its grant goes, and others come.
	p.say(`{"type":"auth","token":"` + hs256(t, reads("b:*")) + `"}`)
	p.expect(map[string]string{"type": "revoked", "topic": "a:1", "reason": "grant"})
	p.say(`{"type":"subscribe","topics":["b:1"]}`)
	p.expect(map[string]string{"type": "subscribed", "topic": "b:1"})
	p.expect(map[string]string{"type": "snapshot"})
	p.say(`{"type":"auth","token":"` + hs256(t, jwt.MapClaims{"sub": "ben"}) + `"}`)
	p.expect(map[string]string{"type": "error", "code": "forbidden", "field": "token"})
	p.say(`{"type":"auth","token":"x"}`, `{"type":"ping"}`)
	p.expect(map[string]string{"type": "error", "code": "unauthorized", "field": "token"})
	p.expect(map[string]string{"type": "pong"})
}

func TestAuthFrameMissing(t *testing.T) {
	h := open(t, withJWT(t), func(o *options) { o.server.Limits.AuthDeadline = time.Second })
	for name, say := range map[string]string{
		"nothing":         "",
		"another frame":   `{"type":"subscribe","topics":["a:1"]}`,
		"no JSON":         `auth`,
		"a bad token":     `{"type":"auth","token":"x"}`,
		"an expired one":  `{"type":"auth","token":"` + hs256(t, jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()}) + `"}`,
		"too long a one":  `{"type":"auth","token":"` + strings.Repeat("x", 5000) + `"}`,
		"a token, no sub": `{"type":"auth","token":"` + hs256(t, jwt.MapClaims{"sub": nil}) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := h.dial("/v1/ws", "lockstep.v1")
			if say != "" {
				p.say(say)
			}
			said := p.closed(4401)
			if say != "" && !strings.Contains(said, `"code":"unauthorized"`) {
				t.Errorf("it hears %q", said)
			}
		})
	}
	other := h.dial("/ws/acme", "lockstep.v1")
	other.say(`{"type":"auth","token":"` + hs256(t, nil) + `"}`)
	if said := other.closed(4403); !strings.Contains(said, `"field":"tenant"`) {
		t.Errorf("the alias of another tenant hears %q", said)
	}
}

// TestGuestDrain: one that has not said who it is hears of the server's end too.
func TestGuestDrain(t *testing.T) {
	h := open(t, withJWT(t))
	p := h.dial("/v1/ws", "lockstep.v1")
	drained := make(chan error, 1)
	go func() { drained <- h.server.Drain(context.Background()) }()
	p.closed(websocket.StatusServiceRestart)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// brief authenticates everybody, for a moment; a token is the moment's length.
type brief struct{ expires time.Time }

func (b brief) Authenticate(*http.Request, string) (statesync.Identity, error) {
	return statesync.Identity{Tenant: topics.DefaultTenant, User: "ann", Grants: statesync.AllowAll{}, Expires: b.expires}, nil
}

func (b brief) AuthenticateToken(_ context.Context, token string) (statesync.Identity, error) {
	id, err := b.Authenticate(nil, "")
	length, failed := time.ParseDuration(token)
	if failed != nil {
		return id, failed
	}
	id.Expires = time.Now().Add(length)
	return id, err
}

// TestTokenExpires_P8: within a second of a token's end nothing more is read on any
// transport, and the client is told.
func TestTokenExpires_P8(t *testing.T) {
	expires := time.Now().Add(300 * time.Millisecond)
	h := open(t, func(o *options) { o.server.Authenticator = brief{expires} })
	p := h.talk("ann")
	plain := h.dial("/v1/ws")
	stream := h.listen("/v1/topics/a:1/events?protocol=lockstep.v1", "")
	refreshed := h.dial("/v1/ws", "lockstep.v1")
	for _, w := range []*peer{p, plain, refreshed} {
		w.say(`{"type":"subscribe","topics":["a:1"]}`)
	}
	refreshed.say(`{"type":"auth","token":"1h"}`)
	at := h.do("GET", "/v1/topics/a:1/events", "").header.Get("Lockstep-Position")
	polled := make(chan answer, 1)
	go func() { polled <- h.do("GET", "/v1/topics/a:1/events?wait=20&after="+at, "") }()
	if said := p.closed(4401); !strings.Contains(said, `{"type":"revoked","topic":"a:1"`) || !strings.Contains(said, `"code":"unauthorized"`) {
		t.Errorf("it hears %s", said)
	}
	plain.closed(4401)
	if said := strings.Join(stream.ended(), "\n"); !strings.Contains(said, `"type":"revoked"`) || !strings.Contains(said, `"unauthorized"`) {
		t.Errorf("the stream hears %s", said)
	}
	if got := kinds((<-polled).frames()); got != "subscribed" {
		t.Errorf("the poll hears %s", got)
	}
	if took := time.Since(expires); took > time.Second {
		t.Errorf("it takes %s", took)
	}
	refreshed.say(`{"type":"ping"}`)
	for show(refreshed.next()["type"]) != "pong" {
	}
}

// TestTokenExpiresLater: the leeway passes before a session ends.
func TestTokenExpiresLater(t *testing.T) {
	a := newJWT(t, server.JWTOptions{Secrets: [][]byte{secret}})
	exp := time.Now().Add(time.Hour).Truncate(time.Second)
	id, err := a.AuthenticateToken(context.Background(), hs256(t, jwt.MapClaims{"exp": exp.Unix()}))
	if err != nil || !id.Expires.Equal(exp.Add(server.TokenLeeway)) {
		t.Errorf("expires %s, %v", id.Expires, err)
	}
}
