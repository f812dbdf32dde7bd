package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

const problemJSON = "application/problem+json"

// problemType names the kind of a problem as a URI, as RFC 9457 wants it.
const problemType = "urn:lockstep:problem:"

// problem answers with an error. A context that ended is the client's own doing,
// or the server's end; either way nothing was decided here.
func (x *exchange) problem(err error) {
	e := topics.AsError(err)
	if e.Code == topics.CodeInternal {
		x.server.log.Error("request failed", "path", x.r.URL.Path, "trace_id", x.trace, "error", err)
	}
	b := frame.AppendProblem(nil, e)
	b = append(b, `,"trace_id":"`+x.trace+`"`...)
	_ = x.sendProblem(e, b)
}

// refusal answers with a reject: the problem's members, and the reject frame's.
// The answer's trace id is this exchange's.
func (x *exchange) refusal(a frame.Answer, current *frame.Row) error {
	a.TraceID = x.trace
	b := frame.AppendAnswer(nil, a, current)
	b = bytes.TrimPrefix(b, []byte(`{"type":"reject"`))
	return x.sendProblem(a.Reject, b[:len(b)-1])
}

// sendProblem writes the members that RFC 9457 knows, and then members, each of
// which begins with a comma.
func (x *exchange) sendProblem(e *topics.Error, members []byte) error {
	m := e.Code.Meaning()
	later := e.RetryAfter
	if m.Retry == topics.RetryLater {
		set(&later, time.Second)
		x.w.Header().Set("Retry-After", strconv.Itoa(seconds(later)))
	}
	if m.HTTP == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", "Bearer")
	}
	b := append([]byte(nil), `{"type":"`+problemType...)
	b = append(b, e.Code...)
	b = append(b, `","title":`...)
	b = append(b, quote(http.StatusText(m.HTTP))...)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(m.HTTP), 10)
	b = append(b, `,"detail":`...)
	b = append(b, quote(detail(e))...)
	b = append(b, `,"retryable":`...)
	b = strconv.AppendBool(b, m.Retry != topics.RetryNever)
	b = append(b, members...)
	b = append(b, "}\n"...)
	return x.send(m.HTTP, problemJSON, b)
}

// detail is the message as a sentence about its field.
func detail(e *topics.Error) string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + " " + e.Message
}

// seconds rounds up, for a client that comes back too early comes twice.
func seconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("server: a string cannot be encoded: " + err.Error())
	}
	return b
}

// errDraining is what new clients hear while the server goes down.
func errDraining() *topics.Error {
	return topics.Errorf(topics.CodeUnavailable, "", "the server is closing; connect to the next one")
}
