package server

import (
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// exchange is one request on its way to its answer.
type exchange struct {
	server   *Server
	w        http.ResponseWriter
	r        *http.Request
	control  *http.ResponseController
	recorder *recorder
	address  string // where the request came from
	trace    string // on the answer's errors, the events it makes, and the log
	query    query
	// queryToken says that the URL may hold a token: its client can send no header.
	queryToken bool
	transport  string
	who        statesync.Identity // zero until it is known
	streaming  bool               // the answer has begun and has no end yet; an error cannot be told any more
}

// methods are what an endpoint answers to. An error becomes a problem document;
// nil means that the answer is written.
type methods map[string]func(*exchange) error

// endpoint makes a handler of methods: the gate, the trace, the errors and the
// panics are the same for all. A panic costs its request and nothing else.
func (s *Server) endpoint(m methods) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, began: time.Now()}
		x := &exchange{server: s, w: rec, recorder: rec, r: r, control: http.NewResponseController(w), address: s.proxies.addressOf(r), trace: traceID(r), transport: transportHTTP}
		defer x.observe() //nolint:contextcheck // the log takes the request's context from x
		if !s.requests.begin() {
			x.refuse(errDraining())
			return
		}
		defer s.requests.end()
		defer x.recovered()
		if err := x.serve(m); err != nil {
			x.refuse(err)
		}
	})
}

func (x *exchange) serve(m methods) error {
	h := x.w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if err := x.server.gate.check(x.r, h); err != nil && x.r.URL.Path != helloPath {
		return err
	}
	if m == nil {
		return topics.Errorf(topics.CodeNotFound, "", "nothing is served at %s; the interface begins at /v1", clip(x.r.URL.Path))
	}
	method := x.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handle := m[method]
	switch {
	case handle != nil:
		if err := x.query.parse(x.r.URL.RawQuery); err != nil {
			return err
		}
		return handle(x)
	case method == http.MethodOptions:
		preflight(x.w, m)
		return nil
	}
	h.Set("Allow", m.allow())
	return topics.Errorf(topics.CodeMethod, "", "%s is not answered here; use %s", clip(x.r.Method), m.allow())
}

// body reads the whole body, which has a bound and a deadline.
func (x *exchange) body() ([]byte, error) {
	most := x.server.engine.Limits().MessageBytes
	_ = x.control.SetReadDeadline(time.Now().Add(x.server.limits.ReadDeadline))
	body, err := io.ReadAll(http.MaxBytesReader(x.recorder.ResponseWriter, x.r.Body, int64(most)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		x.server.metrics.bound("message_bytes")
		return nil, topics.Errorf(topics.CodeTooLarge, "", "the body has more than %d bytes, which is the most", most)
	case err != nil:
		x.server.metrics.bound("read_deadline")
		return nil, topics.Errorf(topics.CodeTooSlow, "", "the body did not arrive within %s", x.server.limits.ReadDeadline)
	}
	x.server.metrics.received[x.transport].Add(float64(len(body)))
	_ = x.control.SetReadDeadline(time.Time{}) // the server watches the line while the answer is made
	return body, nil
}

// send writes an answer, which has to make progress.
func (x *exchange) send(status int, contentType string, body []byte) error {
	_ = x.control.SetWriteDeadline(time.Now().Add(x.server.limits.WriteDeadline))
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(status)
	n, err := x.w.Write(body)
	x.server.metrics.sent[x.transport].Add(float64(n))
	if err != nil {
		x.server.log.Debug("the answer was not taken", "path", x.r.URL.Path, "trace_id", x.trace, "error", err)
	}
	return nil
}

func (x *exchange) recovered() {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel that net/http compares by identity
		panic(cause)
	}
	x.server.log.Error("panic in a request", "path", x.r.URL.Path, "trace_id", x.trace, "cause", cause, "stack", string(debug.Stack()))
	if x.streaming {
		panic(http.ErrAbortHandler)
	}
	x.problem(topics.Errorf(topics.CodeInternal, "", "the server failed to answer; the cause is in its log"))
}

func (m methods) allow() string {
	var list []string
	for _, name := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodDelete} {
		if m[name] != nil {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}
