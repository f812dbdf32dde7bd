package frame

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// AppendWelcome appends the first frame of a session.
func AppendWelcome(b []byte, w Welcome) []byte {
	limits, err := json.Marshal(w.Limits)
	if err != nil {
		panic("frame: limits cannot be encoded: " + err.Error())
	}
	b = append(b, `{"type":"welcome","session":`...)
	b = appendString(b, w.Session)
	b = append(b, `,"user_id":`...)
	b = appendString(b, w.User)
	b = append(b, `,"tenant_id":`...)
	b = appendString(b, string(w.Tenant))
	b = append(b, `,"heartbeat_ms":`...)
	b = strconv.AppendInt(b, w.Heartbeat.Milliseconds(), 10)
	b = append(b, `,"limits":`...)
	b = append(b, limits...)
	b = append(b, `,"server_time":`...)
	b = appendTime(b, w.Now)
	return append(b, '}')
}

// AppendSubscribed appends where a cursor starts and what its session may do.
func AppendSubscribed(b []byte, topic topics.Name, at topics.Position, access []string) []byte {
	b = appendHead(b, "subscribed", topic, at.Epoch)
	b = appendVersion(b, "version", at.Version)
	b = append(b, `,"access":[`...)
	for i, a := range access {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, a)
	}
	return append(b, `]}`...)
}

// Run describes the piece of a catch-up that one frame carries.
type Run struct {
	Topic     topics.Name
	Epoch     topics.Epoch
	From, To  topics.Version // the frame brings a replica at From to To
	Target    topics.Version // where the whole run ends
	More      bool           // nothing is shown yet
	Mixed     bool           // the run outlived its timestamp: shown, and another one follows
	Conflated bool           // superseded events are left out
	Dropped   uint64         // custom events left out
}

// AppendSnapshot appends a piece of a run from 0. Events that are not rows are
// left out.
func AppendSnapshot(b []byte, r Run, entries []store.Event) []byte {
	b = appendHead(b, "snapshot", r.Topic, r.Epoch)
	b = appendVersion(b, "version", r.Target)
	b = appendVersion(b, "from", r.From)
	b = append(b, `,"entities":[`...)
	first := true
	for i := range entries {
		if entries[i].Kind != store.KindRow {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = AppendEntity(b, entries[i].Version, entries[i].DataJSON())
	}
	b = append(b, ']')
	b = appendVersion(b, "to", r.To)
	return appendRunEnd(b, r)
}

// eventsMember is what stands before the events in a frame of them.
const eventsMember = `,"events":[`

// AppendEvents appends events that bring a replica at r.From to r.To. A piece that is
// not the last says where its run ends, so that a client which is interrupted knows
// when it has what the piece leaves out.
func AppendEvents(b []byte, r Run, events []store.Event) []byte {
	b = appendHead(b, "events", r.Topic, r.Epoch)
	if r.More {
		b = appendVersion(b, "version", r.Target)
	}
	b = appendVersion(b, "from", r.From)
	b = appendVersion(b, "to", r.To)
	b = append(b, eventsMember...)
	for i := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, events[i].JSON...)
	}
	b = append(b, ']')
	if r.Conflated {
		b = append(b, `,"conflated":true`...)
	}
	if r.Dropped > 0 {
		b = append(b, `,"dropped":`...)
		b = strconv.AppendUint(b, r.Dropped, 10)
	}
	return appendRunEnd(b, r)
}

func appendRunEnd(b []byte, r Run) []byte {
	if r.Mixed {
		b = append(b, `,"mixed":true`...)
	}
	b = append(b, `,"more":`...)
	b = strconv.AppendBool(b, r.More)
	return append(b, '}')
}

// AppendMark appends "you are at this position".
func AppendMark(b []byte, topic topics.Name, at topics.Position) []byte {
	b = appendHead(b, "mark", topic, at.Epoch)
	b = appendVersion(b, "version", at.Version)
	return append(b, '}')
}

// AppendResync appends "throw away what you have of the topic": a run from 0
// follows. count is how many events are gone; only missed has one.
func AppendResync(b []byte, topic topics.Name, epoch topics.Epoch, reason string, count uint64) []byte {
	b = appendHead(b, "resync", topic, epoch)
	b = append(b, `,"reason":`...)
	b = appendString(b, reason)
	if count > 0 {
		b = append(b, `,"count":`...)
		b = strconv.AppendUint(b, count, 10)
	}
	return append(b, '}')
}

// AppendAnswer appends the ack or the reject of a mutation. current is the row
// that explains a rejection, nil where there is none or the reader may not see it.
func AppendAnswer(b []byte, a Answer, current *Row) []byte {
	if a.Reject != nil {
		return appendReject(b, a, current)
	}
	b = append(b, `{"type":"ack"`...)
	b = appendLane(b, a)
	b = appendVersion(b, "version", a.Version)
	b = append(b, `,"status":"`...)
	b = append(b, a.Status.String()...)
	b = append(b, '"')
	b = appendOptional(b, "trace_id", a.TraceID)
	return append(b, '}')
}

func appendReject(b []byte, a Answer, current *Row) []byte {
	b = append(b, `{"type":"reject"`...)
	b = appendLane(b, a)
	b = AppendProblem(b, a.Reject)
	if current != nil {
		b = append(b, `,"current":`...)
		b = append(b, current.Data...)
		b = appendVersion(b, "current_version", current.Version)
	}
	b = appendOptional(b, "trace_id", a.TraceID)
	return append(b, '}')
}

func appendLane(b []byte, a Answer) []byte {
	if a.Client != "" {
		b = append(b, `,"client":`...)
		b = appendString(b, a.Client)
		b = append(b, `,"seq":`...)
		b = strconv.AppendUint(b, a.Seq, 10)
	}
	b = append(b, `,"topic":`...)
	b = appendString(b, string(a.Topic))
	return appendOptional(b, "epoch", string(a.Epoch))
}

// AppendProblem appends the members that every error has on every transport, each
// with a comma before it.
func AppendProblem(b []byte, e *topics.Error) []byte {
	b = append(b, `,"code":"`...)
	b = append(b, e.Code...)
	b = append(b, '"')
	b = appendOptional(b, "field", e.Field)
	b = append(b, `,"message":`...)
	b = appendString(b, e.Message)
	b = append(b, `,"retry":"`...)
	b = append(b, e.Code.Meaning().Retry...)
	b = append(b, '"')
	if e.RetryAfter > 0 {
		b = append(b, `,"retry_after_ms":`...)
		b = strconv.AppendInt(b, e.RetryAfter.Milliseconds(), 10)
	}
	if e.Expected > 0 {
		b = append(b, `,"expected":`...)
		b = strconv.AppendUint(b, e.Expected, 10)
	}
	return b
}

// AppendError appends an error that is not about a mutation; topic and trace may be
// empty.
func AppendError(b []byte, topic string, e *topics.Error, trace string) []byte {
	b = append(b, `{"type":"error"`...)
	b = AppendProblem(b, e)
	b = appendOptional(b, "topic", topic)
	b = appendOptional(b, "trace_id", trace)
	return append(b, '}')
}

// AppendPong appends the answer to a ping.
func AppendPong(b []byte) []byte { return append(b, `{"type":"pong"}`...) }

// AppendBye appends the last frame before a planned close.
func AppendBye(b []byte, reason string, retryAfter time.Duration) []byte {
	b = append(b, `{"type":"bye","reason":`...)
	b = appendString(b, reason)
	b = append(b, `,"retry_after_ms":`...)
	b = strconv.AppendInt(b, retryAfter.Milliseconds(), 10)
	return append(b, '}')
}

func appendHead(b []byte, typ string, topic topics.Name, epoch topics.Epoch) []byte {
	b = append(b, `{"type":"`...)
	b = append(b, typ...)
	b = append(b, `","topic":`...)
	b = appendString(b, string(topic))
	b = append(b, `,"epoch":"`...)
	b = append(b, epoch...)
	return append(b, '"')
}

func appendVersion(b []byte, field string, v topics.Version) []byte {
	b = append(b, ',', '"')
	b = append(b, field...)
	b = append(b, '"', ':')
	return strconv.AppendUint(b, uint64(v), 10)
}

func appendOptional(b []byte, field, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, field...)
	b = append(b, '"', ':')
	return appendString(b, value)
}
