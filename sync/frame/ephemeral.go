package frame

import (
	"encoding/json"
	"strconv"

	"github.com/lockstep-sync/lockstep/topics"
)

// Signal is an ephemeral event of a client: typing, a cursor that moves.
type Signal struct {
	Topic   string
	Event   string
	Payload json.RawMessage
}

// Present says who the client is in a topic. State nil takes it out.
type Present struct {
	Topic string
	State json.RawMessage
}

// Presence is what changed of who is here; with Full it is all there is.
type Presence struct {
	Members []Member
	Left    []Member
	Count   int
	Full    bool
}

// Member is one who is here.
type Member struct {
	User   string
	Client string
	State  json.RawMessage
}

func (Signal) frame()  {}
func (Present) frame() {}

func (r *reader) signal() Signal {
	s := Signal{Topic: r.required("topic"), Event: r.str("event"), Payload: r.raw("payload")}
	r.keep(topics.CheckEventName(s.Event))
	return s
}

func (r *reader) present() Present {
	p := Present{Topic: r.required("topic"), State: r.raw("state")}
	if string(p.State) == "null" {
		p.State = nil
	}
	return p
}

// AppendSignal appends a signal as the others get it.
func AppendSignal(b []byte, topic topics.Name, user string, s Signal) []byte {
	b = append(b, `{"type":"signal","topic":`...)
	b = appendString(b, string(topic))
	b = append(b, `,"event":`...)
	b = appendString(b, s.Event)
	b = append(b, `,"payload":`...)
	if s.Payload == nil {
		b = append(b, `null`...)
	}
	b = append(b, s.Payload...)
	b = append(b, `,"user_id":`...)
	b = appendString(b, user)
	return append(b, '}')
}

// AppendPresence appends who came, changed and left.
func AppendPresence(b []byte, topic topics.Name, p Presence) []byte {
	b = append(b, `{"type":"presence","topic":`...)
	b = appendString(b, string(topic))
	b = append(b, `,"members":[`...)
	b = appendMembers(b, p.Members)
	b = append(b, `],"left":[`...)
	b = appendMembers(b, p.Left)
	b = append(b, `],"count":`...)
	b = strconv.AppendInt(b, int64(p.Count), 10)
	b = append(b, `,"full":`...)
	b = strconv.AppendBool(b, p.Full)
	return append(b, '}')
}

func appendMembers(b []byte, members []Member) []byte {
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"user_id":`...)
		b = appendString(b, m.User)
		b = append(b, `,"client":`...)
		b = appendString(b, m.Client)
		if m.State != nil {
			b = append(b, `,"state":`...)
			b = append(b, m.State...)
		}
		b = append(b, '}')
	}
	return b
}
