package frame

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/lockstep-sync/lockstep/topics"
)

// Call is a request to a handler that the application has registered.
type Call struct {
	ID     json.RawMessage // a string or a number, given back in the reply
	Method string
	Params json.RawMessage
}

func (Call) frame() {}

var knownTypes = map[string]bool{
	"auth": true, "subscribe": true, "unsubscribe": true, "mutate": true, "signal": true, "presence": true, "call": true, "ping": true,
	"welcome": true, "subscribed": true, "snapshot": true, "events": true, "mark": true, "resync": true, "ack": true, "reject": true,
	"reply": true, "error": true, "revoked": true, "pong": true, "bye": true,
}

// Known reports whether a type is the protocol's own.
func Known(typ string) bool { return knownTypes[typ] }

func (r *reader) call() Call {
	id := r.root.Get("id")
	if id.Type != gjson.String && id.Type != gjson.Number {
		r.fail("id", "must be a string or a number; the reply carries it")
	}
	return Call{ID: json.RawMessage(strings.Clone(id.Raw)), Method: r.required("method"), Params: r.raw("params")}
}

// AppendReply appends the answer to a call: its result, or why there is none.
func AppendReply(b []byte, id, result json.RawMessage, e *topics.Error) []byte {
	b = append(b, `{"type":"reply","id":`...)
	b = append(b, id...)
	if e != nil {
		b = append(b, `,"error":{`...)
		start := len(b)
		b = AppendProblem(b, e)
		b = append(b[:start], b[start+1:]...) // the first member has no comma before it
		return append(b, `}}`...)
	}
	b = append(b, `,"result":`...)
	b = append(b, result...)
	return append(b, '}')
}

// AppendMessage appends a message of the application's own: its type beside the
// fields of object, whose own "type", if there is one, gives way.
func AppendMessage(b []byte, typ string, object json.RawMessage) []byte {
	b = append(b, `{"type":`...)
	b = appendString(b, typ)
	gjson.ParseBytes(object).ForEach(func(key, value gjson.Result) bool {
		if key.Str != "type" {
			b = append(b, ',')
			b = append(b, key.Raw...)
			b = append(b, ':')
			b = append(b, value.Raw...)
		}
		return true
	})
	return append(b, '}')
}

// AppendRevoked appends that the session's grant on a topic has gone.
func AppendRevoked(b []byte, topic topics.Name, reason string) []byte {
	b = append(b, `{"type":"revoked","topic":`...)
	b = appendString(b, string(topic))
	b = append(b, `,"reason":`...)
	b = appendString(b, reason)
	return append(b, '}')
}
