package validate

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/lockstep-sync/lockstep/topics/strict"
)

// Kind is what a text should be.
type Kind string

// The kinds.
const (
	Client   Kind = "client"        // a frame of a client
	Server   Kind = "server"        // a frame of a server
	Event    Kind = "event"         // an event of an events frame
	Plain    Kind = "plain"         // an event's envelope in plain mode
	Flat     Kind = "flat"          // an event's envelope with the event's name in type
	Mutation Kind = "http/mutation" // the body of POST …/mutations
	Snapshot Kind = "http/snapshot" // the body of GET /v1/topics/{t}
	Row      Kind = "http/row"      // the body of GET …/entities/{id}
	Ack      Kind = "http/ack"      // the body of a write that was decided for
	Poll     Kind = "http/poll"     // the body of a poll as one array
	Sync     Kind = "http/sync"     // the body of POST /v1/sync
	Synced   Kind = "http/synced"   // the answer to it
	Problem  Kind = "http/problem"  // the body of an error
	Hello    Kind = "http/hello"    // the body of GET /v1/hello
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{Client, Server, Event, Plain, Flat, Mutation, Snapshot, Row, Ack, Poll, Sync, Synced, Problem, Hello}
}

// Text returns what is wrong with a text of a kind; nothing when it is sound.
func Text(kind Kind, text []byte) []Fault {
	if !slices.Contains(Kinds(), kind) {
		return []Fault{{Problem: "is of no kind that is known: " + string(kind)}}
	}
	body, err := strict.Compact(nil, text, limits(kind))
	if refused := new(strict.Error); errors.As(err, &refused) {
		rule := "N-1"
		if refused.TooLarge {
			rule = "L-2"
		}
		return []Fault{{Field: refused.Path, Rule: rule, Problem: refused.Problem}}
	}
	switch kind {
	case Client, Server:
		return frame(kind, body)
	case Poll, Sync, Synced:
		return nested(kind, body)
	default:
		return check(string(kind), body)
	}
}

// limits are those of what a server takes; what it says has bounds of other kinds.
func limits(kind Kind) strict.Limits {
	switch kind {
	case Client, Mutation:
		return strict.Limits{}
	case Sync: // its frames lie two levels down
		return strict.Limits{Depth: strict.DefaultDepth + 2}
	default:
		return strict.Limits{Bytes: 1 << 28, Depth: 2 * strict.DefaultDepth, Values: 1 << 24}
	}
}

// frame looks a frame's schema up by its type, so that the faults are those of the
// frame that was meant.
func frame(kind Kind, body []byte) []Fault {
	var head struct{ Type json.RawMessage }
	var typ string
	if body[0] != '{' || json.Unmarshal(body, &head) != nil {
		return []Fault{{Rule: "T-1", Problem: "is no object"}}
	}
	switch err := json.Unmarshal(head.Type, &typ); {
	case head.Type == nil:
		return []Fault{{Field: "type", Rule: "T-1", Problem: "is missing"}}
	case err != nil || typ == "":
		return []Fault{{Field: "type", Rule: "T-1", Problem: "is no name of a type"}}
	case !known(string(kind) + "/" + typ):
		return []Fault{{Field: "type", Rule: "T-1", Problem: `"` + typ + `" is no type of a ` + string(kind) + "'s frame"}}
	}
	return check(string(kind)+"/"+typ, body)
}

// Guess is the kind that a text seems to be of: what it says of itself decides.
func Guess(text []byte) Kind {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) == nil {
		return Poll
	}
	members := make(map[string]json.RawMessage)
	if json.Unmarshal(text, &members) != nil {
		return Server
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return members[n] == nil })
	}
	var typ string
	_ = json.Unmarshal(members["type"], &typ)
	switch {
	case has("type", "title", "status"):
		return Problem
	case typ == "snapshot" && has("next"):
		return Snapshot
	case (typ == "signal" || typ == "presence") && !has("user_id") && !has("members"):
		return Client
	case typ != "" && known("client/"+typ) && !known("server/"+typ):
		return Client
	case typ != "" && !known("server/"+typ) && has("topic", "version", "entity_id"):
		return Flat
	case typ != "":
		return Server
	case has("session", "frames") && !has("positions") && !has("wait"):
		return Synced
	case has("frames") || has("positions"):
		return Sync
	case has("topic", "event"):
		return Plain
	case has("event", "data"):
		return Event
	case has("changes") || has("name", "args"):
		return Mutation
	case has("protocols"):
		return Hello
	case has("entity_id"):
		return Row
	}
	return Server
}
