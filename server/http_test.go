package server_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSnapshot(t *testing.T) {
	h := open(t)
	empty := h.do("GET", "/v1/topics/gift-list:1", "").want(200)
	holds(t, empty.json(), map[string]string{"type": "snapshot", "version": "0", "entities": "[]", "more": "false"})
	for i := range 5 {
		h.put("gift-list:1", "g"+strconv.Itoa(i), `{"n":`+strconv.Itoa(i)+`}`)
	}
	all := h.do("GET", "/v1/topics/gift-list:1", "").want(200)
	tag := all.header.Get("ETag")
	body := all.json()
	if want := `"` + show(body["epoch"]) + `-5"`; tag != want {
		t.Errorf("ETag is %s, want %s", tag, want)
	}
	held := h.do("GET", "/v1/topics/gift-list:1", "", "If-None-Match: "+tag).want(304)
	if len(held.body) != 0 || held.header.Get("ETag") != tag {
		t.Errorf("a 304 with %q and %q", held.body, held.header.Get("ETag"))
	}
	h.do("GET", "/v1/topics/gift-list:1", "", `If-None-Match: "x-1", W/`+tag).want(304)
	h.put("gift-list:1", "g5", `{}`)
	h.do("GET", "/v1/topics/gift-list:1", "", "If-None-Match: "+tag).want(200)
	h.do("HEAD", "/v1/topics/gift-list:1", "").want(200)
}

// TestSnapshotPages_P4: all pages of a chain show one state, whatever happens meanwhile.
func TestSnapshotPages_P4(t *testing.T) {
	h := open(t)
	for i := range 5 {
		h.put("a:1", "e"+strconv.Itoa(i), `1`)
	}
	ids := ""
	path := "/v1/topics/a:1?limit=2"
	for page := range 3 {
		a := h.do("GET", path, "").want(200)
		body := a.json()
		if !strings.HasSuffix(a.header.Get("ETag"), `-5"`) {
			t.Errorf("page %d is of %s", page, a.header.Get("ETag"))
		}
		for _, e := range body["entities"].([]any) { //nolint:errcheck // a panic fails the test
			ids += show(e.(map[string]any)["entity_id"]) //nolint:errcheck // likewise
		}
		holds(t, body, map[string]string{"more": strconv.FormatBool(page < 2)})
		h.put("a:1", "e0", `{"later":`+strconv.Itoa(page)+`}`)
		path = "/v1/topics/a:1?limit=2&cursor=" + show(body["next"])
	}
	if ids != "e0e1e2e3e4" {
		t.Errorf("the pages hold %s", ids)
	}
}

func TestMinVersion_P6(t *testing.T) {
	h := open(t, func(o *options) { o.server.Limits.MinVersion = 100 * time.Millisecond })
	late := h.do("GET", "/v1/topics/a:1?min_version=1", "").want(503)
	holds(t, late.json(), map[string]string{"code": "unavailable", "field": "min_version", "retry": "later", "retryable": "true"})
	if late.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h = open(t)
	got := make(chan answer)
	go func() { got <- h.do("GET", "/v1/topics/a:1?min_version=2", "") }()
	h.put("a:1", "x", `1`)
	h.put("a:1", "y", `1`)
	holds(t, (<-got).want(200).json(), map[string]string{"version": "2"})
	h.do("GET", "/v1/topics/a:1/entities/y?min_version=2", "").want(200)
}

func TestEntity(t *testing.T) {
	h := open(t)
	h.do("GET", "/v1/topics/a:1/entities/x", "").want(404)
	put := h.put("a:1", "x", ` { "n" : 1 } `)
	holds(t, put.json(), map[string]string{"type": "ack", "version": "1", "status": "applied"})
	if put.header.Get("ETag") != `"1"` {
		t.Errorf("ETag of a put is %s", put.header.Get("ETag"))
	}
	get := h.do("GET", "/v1/topics/a:1/entities/x", "").want(200)
	holds(t, get.json(), map[string]string{"entity_id": "x", "version": "1", "payload": `{"n":1}`, "user_id": "anonymous"})
	h.do("GET", "/v1/topics/a:1/entities/x", "", "If-None-Match: "+get.header.Get("ETag")).want(304)

	h.do("PATCH", "/v1/topics/a:1/entities/x", `{"m":2}`, "Content-Type: application/merge-patch+json", `If-Match: "1"`).want(200)
	h.do("PATCH", "/v1/topics/a:1/entities/x", `[{"op":"test","path":"/m","value":2},{"op":"replace","path":"/m","value":3}]`, "Content-Type: application/json-patch+json; charset=utf-8").want(200)
	same := h.put("a:1", "x", `{"n":1,"m":3}`)
	holds(t, same.json(), map[string]string{"status": "unchanged"})
	if same.header.Get("ETag") != `"3"` {
		t.Errorf("ETag of an unchanged row is %s", same.header.Get("ETag"))
	}
	h.do("DELETE", "/v1/topics/a:1/entities/x", "", `If-Match: "3"`).want(200)
	h.do("GET", "/v1/topics/a:1/entities/x", "").want(404)
	h.do("PUT", "/v1/topics/a:1/entities/x", `1`, "If-None-Match: *").want(200)
}

// TestStale: a stale precondition is told with the row as it is.
func TestStale(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `{"n":1}`)
	h.put("a:1", "x", `{"n":2}`)
	for _, stale := range []string{`If-Match: "1"`, "If-None-Match: *"} {
		a := h.do("PUT", "/v1/topics/a:1/entities/x", `{"n":3}`, stale).want(412)
		body := a.json()
		holds(t, body, map[string]string{
			"type": "urn:lockstep:problem:conflict", "status": "412", "code": "conflict", "retry": "never",
			"retryable": "false", "current_version": "2", "topic": "a:1",
		})
		row, _ := body["current"].(map[string]any)
		holds(t, row, map[string]string{"payload": `{"n":2}`})
		if len(show(body["trace_id"])) != 32 || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("not a whole problem: %s", a.body)
		}
	}
	gone := h.do("PUT", "/v1/topics/a:1/entities/nobody", `1`, `If-Match: "1"`).want(412)
	holds(t, gone.json(), map[string]string{"code": "conflict"})
}

// TestEntityIDs: any printable text names an entity, percent-encoded.
func TestEntityIDs(t *testing.T) {
	h := open(t)
	for encoded, id := range map[string]string{
		"a%2Fb": "a/b", "a%20b": "a b", "%C3%BC%E2%82%AC": "ü€", "100%25": "100%", "%3F%23": "?#", "a%2F..%2Fb": "a/../b", "%2E%2E": "..", "x+y": "x+y", "%22": `"`,
	} {
		h.put("a:1", encoded, `1`)
		holds(t, h.do("GET", "/v1/topics/a:1/entities/"+encoded, "").want(200).json(), map[string]string{"entity_id": id})
	}
	for _, bad := range []string{"%00", "%FF", "%E2%80%A8", strings.Repeat("x", 201)} {
		a := h.do("GET", "/v1/topics/a:1/entities/"+bad, "").want(400)
		holds(t, a.json(), map[string]string{"code": "invalid", "field": "entity_id"})
	}
}

// TestExactlyOnce_P3: a mutation that comes again is answered again, not applied again.
func TestExactlyOnce_P3(t *testing.T) {
	h := open(t)
	path := "/v1/topics/a:1/mutations"
	body := `{"changes":[{"op":"none","event":"tick","payload":1}]}`
	holds(t, h.do("POST", path, body, "Idempotency-Key: k1").want(200).json(), map[string]string{"status": "applied", "version": "1"})
	holds(t, h.do("POST", path, body, "Idempotency-Key: k1").want(200).json(), map[string]string{"status": "duplicate", "version": "1"})
	holds(t, h.do("POST", path, body, "Idempotency-Key: k2").want(200).json(), map[string]string{"status": "applied", "version": "2"})
	reused := h.do("POST", path, `{"changes":[{"op":"none","event":"tock"}]}`, "Idempotency-Key: k1").want(422)
	holds(t, reused.json(), map[string]string{"code": "key_reused", "field": "Idempotency-Key"})
	holds(t, h.do("POST", path+"?user=ben", body, "Idempotency-Key: k1").want(200).json(), map[string]string{"status": "applied", "version": "3"})

	lane := `{"client":"c1","seq":1,"changes":[{"entity_id":"x","payload":1}]}`
	holds(t, h.do("POST", path, lane).want(200).json(), map[string]string{"status": "applied", "client": "c1", "seq": "1"})
	holds(t, h.do("POST", path, lane).want(200).json(), map[string]string{"status": "duplicate"})
	gap := h.do("POST", path, `{"client":"c1","seq":3,"changes":[{"entity_id":"x","payload":1}]}`).want(409)
	holds(t, gap.json(), map[string]string{"code": "gap", "expected": "2", "client": "c1", "seq": "3", "retry": "later"})
	for range 2 {
		h.do("PUT", "/v1/topics/a:1/entities/y", `5`, "Idempotency-Key: y5").want(200)
	}
	holds(t, h.do("GET", "/v1/topics/a:1", "").json(), map[string]string{"version": "5"})
}

// TestBadRequests: each gets its status, code, field and a remedy.
func TestBadRequests(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `1`)
	key := "Idempotency-Key: k"
	merge := "Content-Type: application/merge-patch+json"
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		code, field        string
	}{
		"no such path":       {"GET", "/v2", "", nil, 404, "not_found", "<nil>"},
		"method":             {"PUT", "/v1/topics/a:1", "", nil, 405, "method_not_allowed", "<nil>"},
		"topic":              {"GET", "/v1/topics/nocolon", "", nil, 400, "invalid_topic", "topic"},
		"topic dots":         {"GET", "/v1/topics/a:%2E%2E", "", nil, 400, "invalid_topic", "topic"},
		"tenant":             {"GET", "/v1/topics/a:1?tenant=A", "", nil, 400, "invalid", "tenant"},
		"user":               {"GET", "/v1/topics/a:1?user=%01", "", nil, 400, "invalid", "user"},
		"parameter":          {"GET", "/v1/topics/a:1?min_versoin=1", "", nil, 400, "invalid", "min_versoin"},
		"twice":              {"GET", "/v1/topics/a:1?limit=1&limit=2", "", nil, 400, "invalid", "limit"},
		"query":              {"GET", "/v1/topics/a:1?a=%zz", "", nil, 400, "invalid", "query"},
		"limit":              {"GET", "/v1/topics/a:1?limit=0", "", nil, 400, "invalid", "limit"},
		"limit sign":         {"GET", "/v1/topics/a:1?limit=%2B1", "", nil, 400, "invalid", "limit"},
		"min_version":        {"GET", "/v1/topics/a:1?min_version=-1", "", nil, 400, "invalid", "min_version"},
		"cursor":             {"GET", "/v1/topics/a:1?cursor=x", "", nil, 400, "invalid", "cursor"},
		"after":              {"GET", "/v1/topics/a:1/events?after=5", "", nil, 400, "invalid", "after"},
		"wait":               {"GET", "/v1/topics/a:1/events?wait=26", "", nil, 400, "invalid", "wait"},
		"wait text":          {"GET", "/v1/topics/a:1/events?wait=long", "", nil, 400, "invalid", "wait"},
		"mode":               {"GET", "/v1/topics/a:1/events?mode=all", "", nil, 400, "invalid", "mode"},
		"no JSON":            {"PUT", "/v1/topics/a:1/entities/x", "nil", nil, 400, "invalid", "<nil>"},
		"empty":              {"PUT", "/v1/topics/a:1/entities/x", "", nil, 400, "invalid", "<nil>"},
		"duplicate keys":     {"PUT", "/v1/topics/a:1/entities/x", `{"a":1,"a":2}`, nil, 400, "invalid", "a"},
		"not UTF-8":          {"PUT", "/v1/topics/a:1/entities/x", "\"\xff\"", nil, 400, "invalid", "<nil>"},
		"oversized value":    {"PUT", "/v1/topics/a:1/entities/x", `"` + strings.Repeat("x", 129<<10) + `"`, nil, 413, "too_large", "changes[0].payload"},
		"oversized body":     {"PUT", "/v1/topics/a:1/entities/x", `"` + strings.Repeat("x", 300<<10) + `"`, nil, 413, "too_large", "<nil>"},
		"media of a put":     {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{"Content-Type: text/plain"}, 415, "unsupported_media_type", "Content-Type"},
		"media of a patch":   {"PATCH", "/v1/topics/a:1/entities/x", `{}`, []string{"Content-Type: application/json"}, 415, "unsupported_media_type", "Content-Type"},
		"patch of nothing":   {"PATCH", "/v1/topics/a:1/entities/nobody", `{}`, []string{merge}, 404, "not_found", "changes[0].entity_id"},
		"If-Match":           {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{"If-Match: 1"}, 400, "invalid", "If-Match"},
		"If-Match any":       {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{"If-Match: *"}, 400, "invalid", "If-Match"},
		"If-Match weak":      {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{`If-Match: W/"1"`}, 400, "invalid", "If-Match"},
		"If-Match list":      {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{`If-Match: "1", "2"`}, 400, "invalid", "If-Match"},
		"If-None-Match":      {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{`If-None-Match: "1"`}, 400, "invalid", "If-None-Match"},
		"both":               {"PUT", "/v1/topics/a:1/entities/x", `1`, []string{`If-Match: "1"`, "If-None-Match: *"}, 400, "invalid", "If-None-Match"},
		"no key":             {"POST", "/v1/topics/a:1/mutations", `{"changes":[]}`, nil, 400, "key_required", "Idempotency-Key"},
		"bad key":            {"POST", "/v1/topics/a:1/mutations", `{"changes":[]}`, []string{"Idempotency-Key: a b"}, 400, "invalid", "Idempotency-Key"},
		"key and lane":       {"POST", "/v1/topics/a:1/mutations", `{"client":"c","seq":1,"changes":[]}`, []string{key}, 400, "invalid", "Idempotency-Key"},
		"half a lane":        {"POST", "/v1/topics/a:1/mutations", `{"client":"c","changes":[]}`, []string{key}, 400, "invalid", "seq"},
		"another topic":      {"POST", "/v1/topics/a:1/mutations", `{"topic":"a:2","changes":[]}`, []string{key}, 400, "invalid", "topic"},
		"no changes":         {"POST", "/v1/topics/a:1/mutations", `{"changes":[]}`, []string{key}, 400, "invalid", "changes"},
		"an unknown op":      {"POST", "/v1/topics/a:1/mutations", `{"changes":[{"op":"add"}]}`, []string{key}, 400, "invalid", "changes[0].op"},
		"media of a POST":    {"POST", "/v1/topics/a:1/mutations", `{"changes":[]}`, []string{key, "Content-Type: text/plain"}, 415, "unsupported_media_type", "Content-Type"},
		"another's messages": {"GET", "/v1/topics/user:ben?user=ann", "", nil, 403, "forbidden", "topic"},
		"a page of another":  {"POST", "/v1/topics/a:1/mutations", `{"changes":[]}`, []string{key, "Origin: https://evil.example"}, 403, "forbidden", "Origin"},
		"a rebound name":     {"GET", "/v1/topics/a:1", "", []string{"Host: evil.example:7001"}, 403, "forbidden", "Host"},
		"epoch of another":   {"POST", "/v1/topics/a:1/mutations", `{"epoch":"aaaaaaaaaaaaa","changes":[{"entity_id":"x","payload":1}]}`, []string{key}, 409, "epoch_changed", "epoch"},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			a := h.do(c.method, c.path, c.body, c.headers...).want(c.status)
			body := a.json()
			holds(t, body, map[string]string{"code": c.code, "field": c.field, "status": strconv.Itoa(c.status), "title": http.StatusText(c.status)})
			if len(show(body["detail"])) < 10 || len(show(body["trace_id"])) != 32 {
				t.Errorf("no remedy or no trace in %s", a.body)
			}
		})
	}
	h.t = t
	holds(t, h.do("GET", "/v1/topics/a:1", "").json(), map[string]string{"version": "1"})
}

func TestDeleteTopic(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `1`)
	p := h.talk("ann")
	p.say(`{"type":"subscribe","topics":["a:1"]}`)
	p.expect(map[string]string{"type": "subscribed"})
	p.expect(map[string]string{"type": "snapshot", "version": "1"})
	h.do("DELETE", "/v1/topics/a:1", "").want(204)
	p.expect(map[string]string{"type": "resync", "reason": "epoch"})
	p.expect(map[string]string{"type": "snapshot", "version": "0", "entities": "[]"})
}

func TestHello(t *testing.T) {
	h := open(t)
	fine := h.do("GET", "/v1/hello", "", "Origin: http://localhost:5173").want(200)
	holds(t, fine.json(), map[string]string{"ok": "true", "protocols": `["lockstep.v1"]`})
	evil := h.do("GET", "/v1/hello", "", "Origin: https://evil.example").want(200)
	body := evil.json()
	holds(t, body, map[string]string{"ok": "false"})
	origin, _ := body["origin"].(map[string]any)
	holds(t, origin, map[string]string{"ok": "false", "code": "forbidden"})
	if evil.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("the page that needs hello cannot read it")
	}
}

func TestCORS(t *testing.T) {
	h := open(t, func(o *options) { o.server.AllowedOrigins = []string{"https://app.example", "https://*.pages.example"} })
	for origin, allowed := range map[string]bool{
		"https://app.example": true, "https://x.pages.example": true, "http://127.0.0.1:9": true, "http://[::1]:9": true, "http://a.localhost": true,
		"http://app.example": false, "https://app.example.evil": false, "https://pages.example": false, "http://127.0.0.1.evil": false,
	} {
		a := h.do("GET", "/v1/topics/a:1", "", "Origin: "+origin)
		if got := a.header.Get("Access-Control-Allow-Origin"); (got == origin) != allowed || (a.status == 200) != allowed {
			t.Errorf("%s: status %d, allowed %q", origin, a.status, got)
		}
	}
	pre := h.do("OPTIONS", "/v1/topics/a:1/entities/x", "", "Origin: https://app.example", "Access-Control-Request-Method: PUT").want(204)
	if got := pre.header.Get("Access-Control-Allow-Methods"); got != "GET, PUT, PATCH, DELETE" {
		t.Errorf("methods: %s", got)
	}
}
