package server_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/lockstep-sync/lockstep/server"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// eventually asks until it is so.
func (h *house) eventually(so func() bool) {
	h.t.Helper()
	for began := time.Now(); !so(); runtime.Gosched() {
		if time.Since(began) > patient {
			h.t.Fatal("it does not come to be")
		}
	}
}

// limitCase goes to a bound and one step past it. Its metric is the label under
// which the bound is counted.
type limitCase struct {
	metric string
	set    func(*options)
	try    func(t *testing.T, h *house)
}

// limitCases are one for every field of Limits and TenantLimits, by its name, and
// for the bounds that cannot be set.
var limitCases = map[string]limitCase{
	"WriteDeadline": {"write_deadline", func(o *options) { o.server.Limits.WriteDeadline = 100 * time.Millisecond }, func(t *testing.T, h *house) {
		slow := dialRaw(t, h, "/v1/ws?user=ann")
		slow.say(t, `{"type":"subscribe","topics":["a:1"]}`)
		value := `"` + strings.Repeat("x", 120<<10) + `"`
		for i := 0; h.metric("lockstep_limits_hit_total{write_deadline}") == 0 && i < 500; i++ {
			h.put("a:1", fmt.Sprint("big", i), value)
		}
	}},
	"ReadDeadline": {"read_deadline", func(o *options) { o.server.Limits.ReadDeadline = 20 * time.Millisecond }, func(t *testing.T, h *house) {
		never, end := io.Pipe()
		defer end.Close()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, h.url+"/v1/topics/a:1/entities/x", never)
		if err != nil {
			t.Fatal(err)
		}
		res, err := h.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("status %d", res.StatusCode)
		}
	}},
	"AuthDeadline": {"auth_deadline", func(o *options) {
		o.server.Limits.AuthDeadline = 10 * time.Millisecond
		o.server.Authenticator = strict{}
	}, func(_ *testing.T, h *house) { h.dial("/v1/ws", "lockstep.v1").closed(4401) }},
	"Wait": {"wait", func(o *options) { o.server.Limits.Wait = time.Second }, func(t *testing.T, h *house) {
		h.do("POST", "/v1/sync", `{"wait":1}`).want(200)
		holds(t, h.do("POST", "/v1/sync", `{"wait":2}`).want(400).json(), map[string]string{"code": "invalid", "field": "wait"})
		holds(t, h.do("GET", "/v1/topics/a:1/events?wait=2", "").want(400).json(), map[string]string{"code": "invalid", "field": "wait"})
	}},
	"MinVersion": {"min_version", func(o *options) { o.server.Limits.MinVersion = time.Millisecond }, func(t *testing.T, h *house) {
		h.do("GET", "/v1/topics/a:1?min_version=0", "").want(200)
		holds(t, h.do("GET", "/v1/topics/a:1?min_version=1", "").want(503).json(), map[string]string{"code": "unavailable", "field": "min_version"})
	}},
	"PollBytes": {"poll_bytes", func(o *options) { o.server.Limits.PollBytes = 100 }, func(t *testing.T, h *house) {
		h.put("a:1", "x", `1`)
		if a := h.do("GET", "/v1/topics/a:1/events", "").want(200); len(a.body) < 100 || len(a.body) > 1000 {
			t.Errorf("%d bytes", len(a.body))
		}
	}},
	"PollFrames": {"poll_frames", func(o *options) { o.server.Limits.PollFrames = 1 }, func(t *testing.T, h *house) {
		h.do("POST", "/v1/sync", `{"frames":[{"type":"ping"}]}`).want(200)
		holds(t, h.do("POST", "/v1/sync", `{"frames":[{"type":"ping"},{"type":"ping"}]}`).want(413).json(), map[string]string{"code": "too_large", "field": "frames"})
	}},
	"SessionIdle": {"session_idle", func(o *options) { o.server.Limits.SessionIdle = time.Millisecond }, func(_ *testing.T, h *house) {
		session, _ := h.sync(`{}`)
		h.eventually(func() bool { return h.do("POST", "/v1/sync?user=ann", `{"session":"`+session+`"}`).status == 410 })
	}},
	"SnapshotRows": {"snapshot_rows", func(o *options) { o.server.Limits.SnapshotRows = 1 }, func(t *testing.T, h *house) {
		h.put("a:1", "x", `1`)
		h.put("a:1", "y", `2`)
		holds(t, h.do("GET", "/v1/topics/a:1", "").want(200).json(), map[string]string{"more": "true"})
		holds(t, h.do("GET", "/v1/topics/a:1?limit=2", "").want(400).json(), map[string]string{"code": "invalid", "field": "limit"})
	}},
	"StreamTopics": {"stream_topics", func(o *options) { o.server.Limits.StreamTopics = 1 }, func(t *testing.T, h *house) {
		h.listen("/v1/events?topics=a:1", "")
		holds(t, h.do("GET", "/v1/events?topics=a:1,a:2", "").want(429).json(), map[string]string{"code": "too_many_topics", "field": "topics"})
	}},
	"DrainWindow": {"", func(o *options) { o.server.Limits.DrainWindow = 200 * time.Millisecond }, func(t *testing.T, h *house) {
		peers := []*peer{h.talk("ann"), h.talk("ben"), h.talk("cay")}
		began := time.Now()
		drained := make(chan error)
		go func() { drained <- h.server.Drain(t.Context()) }()
		for _, p := range peers {
			p.closed(websocket.StatusServiceRestart)
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 100*time.Millisecond {
			t.Errorf("goodbyes are spread over %s", took)
		}
	}},
	"Sessions": {"sessions", func(o *options) { o.server.Limits.Sessions = 2 }, func(_ *testing.T, h *house) {
		h.tooMany("?user=cay", h.talk("ann"), h.talk("ben"))
	}},
	"AddressSessions": {"address_sessions", func(o *options) { o.server.Limits.AddressSessions = 2 }, func(_ *testing.T, h *house) {
		h.tooMany("?user=cay", h.talk("ann"), h.talk("ben"))
	}},
	"UserSessions": {"user_sessions", func(o *options) { o.server.Limits.UserSessions = 2 }, func(_ *testing.T, h *house) {
		h.talk("ben")
		h.tooMany("?user=ann", h.talk("ann"), h.talk("ann"))
	}},
	"MaxConnections": {"tenant_sessions", func(o *options) {
		o.server.Tenants = func(t topics.Tenant) server.TenantLimits {
			if t == "default" {
				return server.TenantLimits{MaxConnections: 2}
			}
			return server.TenantLimits{}
		}
	}, func(_ *testing.T, h *house) {
		h.dial("/v1/ws?tenant=other")
		h.tooMany("?user=cay", h.talk("ann"), h.talk("ben"))
	}},
	"NewSessions": {"new_sessions", func(o *options) { o.server.Limits.NewSessions = 2 }, func(t *testing.T, h *house) {
		h.talk("ann")
		h.talk("ben")
		a := h.do("GET", "/v1/ws", "", "Connection: Upgrade", "Upgrade: websocket").want(503)
		holds(t, a.json(), map[string]string{"code": "overloaded", "retry": "later"})
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}},
	"Frames": {"flood", func(o *options) { o.server.Limits.Frames = 20 }, func(t *testing.T, h *house) {
		p := h.talk("ann")
		began := time.Now()
		p.say(strings.Repeat(`{"type":"ping"}`+"\n", 40+4)) // the burst, and four that wait
		for range 40 + 4 {                                  // all are answered
			p.expect(map[string]string{"type": "pong"})
		}
		if took := time.Since(began); took < 150*time.Millisecond {
			t.Errorf("the reader does not wait: %s", took)
		}
		if h.metric("lockstep_limits_hit_total{frames}") == 0 {
			t.Error("waiting is not counted")
		}
		p.say(strings.Repeat(`{"type":"ping"}`+"\n", 260))
		if said := p.closed(websocket.StatusPolicyViolation); !strings.Contains(said, `"code":"rate_limited"`) {
			t.Errorf("it hears %s", said)
		}
	}},
	"Rate": {"tenant_rate", func(o *options) {
		o.server.Tenants = func(topics.Tenant) server.TenantLimits { return server.TenantLimits{Rate: 10} }
	}, func(t *testing.T, h *house) {
		h.eventually(func() bool { return h.do("GET", "/v1/topics/a:1", "").status == 429 })
		a := h.do("GET", "/v1/topics/a:1", "").want(429)
		holds(t, a.json(), map[string]string{"code": "rate_limited", "retry": "later"})
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}},
	// Those that cannot be set here.
	"the message": {"message_bytes", func(o *options) { o.limits.MessageBytes = 1000 }, func(t *testing.T, h *house) {
		p := h.talk("ann")
		p.say(`{"type":"ping","x":"` + strings.Repeat("x", 2000) + `"}`)
		p.closed(websocket.StatusMessageTooBig)
		holds(t, h.do("PUT", "/v1/topics/a:1/entities/x", `"`+strings.Repeat("x", 2000)+`"`).want(413).json(), map[string]string{"code": "too_large"})
	}},
	"the heartbeat": {"heartbeat", func(o *options) { o.heartbeat = 40 * time.Millisecond }, func(t *testing.T, h *house) {
		dialRaw(t, h, "/v1/ws?user=ann").untilCut(t)
	}},
	"pings": {"pings", func(*options) {}, func(t *testing.T, h *house) {
		p := dialRaw(t, h, "/v1/ws?user=ann")
		for range 20 + 5 {
			if p.tryFrame(0x89, nil) != nil {
				break
			}
		}
		p.untilCut(t)
	}},
	"the token": {"", func(o *options) { o.server.Authenticator = strict{} }, func(t *testing.T, h *house) {
		a := newJWT(t, server.JWTOptions{Secrets: [][]byte{secret}})
		for name, token := range map[string]string{
			"length":   strings.Repeat("x", server.MaxTokenBytes+1),
			"lifetime": hs256(t, jwt.MapClaims{"exp": time.Now().Add(server.MaxTokenLifetime + 2*server.TokenLeeway).Unix()}),
			"leeway":   hs256(t, jwt.MapClaims{"exp": time.Now().Add(-server.TokenLeeway - time.Second).Unix()}),
		} {
			if _, err := a.AuthenticateToken(t.Context(), token); topics.AsError(err).Code != topics.CodeUnauthorized {
				t.Errorf("%s: %v", name, err)
			}
		}
	}},
	"the header": {"", func(*options) {}, func(_ *testing.T, h *house) {
		h.do("GET", "/v1/hello", "", "X-Long: "+strings.Repeat("x", 64<<10)).want(http.StatusRequestHeaderFieldsTooLarge)
	}},
}

// strict lets in nobody without a token.
type strict struct{ brief }

func (strict) Authenticate(*http.Request, string) (id statesync.Identity, err error) {
	return id, topics.Errorf(topics.CodeUnauthorized, "token", "is missing")
}

// tooMany fails unless one more session is refused on every transport, and taken
// once one of those there has gone.
func (h *house) tooMany(query string, there ...*peer) {
	h.t.Helper()
	for _, a := range []answer{
		h.do("GET", "/v1/ws"+query, "", "Connection: Upgrade", "Upgrade: websocket"),
		h.do("GET", "/v1/topics/a:1/events"+query, "", "Accept: text/event-stream"),
		h.do("POST", "/v1/sync"+query, `{}`),
	} {
		a.want(429)
		holds(h.t, a.json(), map[string]string{"code": "too_many_sessions", "retry": "later"})
		if a.header.Get("Retry-After") == "" {
			h.t.Error("no Retry-After")
		}
	}
	h.do("GET", "/v1/topics/a:1"+query, "").want(200) // single requests are no sessions
	_ = there[0].conn.CloseNow()
	h.eventually(func() bool { return h.do("POST", "/v1/sync"+query, `{}`).status == 200 })
}

// TestLimits_P9 goes over every bound. One without a case fails.
func TestLimits_P9(t *testing.T) {
	for _, of := range []any{server.Limits{}, server.TenantLimits{}} {
		for field := range reflect.TypeOf(of).Fields() {
			if limitCases[field.Name].try == nil {
				t.Errorf("%T.%s has no case", of, field.Name)
			}
		}
	}
	for name, c := range limitCases {
		t.Run(name, func(t *testing.T) {
			h := open(t, c.set)
			c.try(t, h)
			if c.metric != "" && h.metric("lockstep_limits_hit_total{"+c.metric+"}") == 0 {
				t.Errorf("the metric does not count %s", c.metric)
			}
		})
	}
}
