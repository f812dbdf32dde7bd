package server

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// refuse answers with an error: a problem, but for an EventSource on its way back.
func (x *exchange) refuse(err error) {
	e := topics.AsError(err)
	if e.Code == topics.CodeInternal || e.Code.Meaning().Retry != topics.RetryLater || !x.isGoingOn() {
		x.problem(err) // what is internal is not hidden: it is a mistake of ours
		return
	}
	x.comeBack(e)
}

// isGoingOn reports whether the request is an EventSource's that has lost its stream
// and goes on after what it heard last.
func (x *exchange) isGoingOn() bool {
	return x.r.Method == http.MethodGet && x.wantsStream() && x.r.Header.Get("Last-Event-Id") != ""
}

// comeBack answers with an empty stream that says when to come back. After any other
// status than 200 an EventSource gives up for good (HTML, 9.2.3), and a server that
// is closing, or that all its clients return to at once, would lose them.
func (x *exchange) comeBack(e *topics.Error) {
	later := e.RetryAfter
	if later == 0 {
		later = time.Second + rand.N(2*time.Second)
	}
	x.server.log.Debug("a stream is put off", "path", x.r.URL.Path, "trace_id", x.trace, "code", e.Code, "for", later)
	x.w.Header().Set("Cache-Control", "no-store")
	x.w.Header().Set("Connection", "close")
	_ = x.send(http.StatusOK, mediaEvents, fmt.Appendf(nil, "retry: %d\n\n", later.Milliseconds()))
}
