package frame_test

import (
	"encoding/json"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// meaning is a decoded frame in the words of protocol/client.json: every default
// filled in, and nothing that was not said.
func meaning(f frame.Frame) string {
	switch f := f.(type) {
	case frame.Auth:
		return text(struct {
			Type  string `json:"type"`
			Token string `json:"token"`
		}{"auth", f.Token})
	case frame.Subscribe:
		return text(newSaidSubscribe(f))
	case frame.Unsubscribe:
		return text(struct {
			Type   string   `json:"type"`
			Topics []string `json:"topics"`
		}{"unsubscribe", f.Topics})
	case frame.Mutate:
		return text(newSaidMutation(f.Mutation))
	case frame.Signal:
		return text(struct {
			Type    string          `json:"type"`
			Topic   string          `json:"topic"`
			Event   string          `json:"event"`
			Payload json.RawMessage `json:"payload,omitempty"`
		}{"signal", f.Topic, f.Event, f.Payload})
	case frame.Present:
		return text(struct {
			Type  string          `json:"type"`
			Topic string          `json:"topic"`
			State json.RawMessage `json:"state,omitempty"`
		}{"presence", f.Topic, f.State})
	case frame.Call:
		return text(struct {
			Type   string          `json:"type"`
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params,omitempty"`
		}{"call", f.ID, f.Method, f.Params})
	case frame.Ping:
		return `{"type":"ping"}`
	case frame.Unknown:
		return text(struct {
			Unknown string `json:"unknown"`
		}{f.Type})
	}
	return "no frame"
}

type saidSubscribe struct {
	Type   string     `json:"type"`
	Client string     `json:"client,omitempty"`
	Topics []saidWant `json:"topics"`
}

type saidWant struct {
	Topic            string  `json:"topic"`
	Position         string  `json:"position,omitempty"`
	Mode             string  `json:"mode"`
	OldestUnanswered uint64  `json:"oldest_unanswered,omitempty"`
	Presence         bool    `json:"presence,omitempty"`
	Snapshot         bool    `json:"snapshot,omitempty"`
	Deltas           bool    `json:"deltas,omitempty"`
	MaxRate          float64 `json:"max_rate,omitempty"`
}

func newSaidSubscribe(s frame.Subscribe) saidSubscribe {
	said := saidSubscribe{Type: "subscribe", Client: s.Client, Topics: []saidWant{}}
	for _, w := range s.Topics {
		one := saidWant{Topic: w.Topic, Mode: "latest", OldestUnanswered: w.OldestUnanswered, Presence: w.Presence, Snapshot: w.Snapshot, Deltas: w.Deltas, MaxRate: w.MaxRate}
		if w.Mode == frame.ModeEvery {
			one.Mode = "every"
		}
		if w.Position != nil {
			one.Position = w.Position.String()
		}
		said.Topics = append(said.Topics, one)
	}
	return said
}

type saidMutation struct {
	Type           string          `json:"type"`
	Client         string          `json:"client"`
	Seq            uint64          `json:"seq"`
	Topic          topics.Name     `json:"topic"`
	Epoch          topics.Epoch    `json:"epoch,omitempty"`
	IfTopicVersion *topics.Version `json:"if_topic_version,omitempty"`
	Needs          uint64          `json:"needs,omitempty"`
	Name           string          `json:"name,omitempty"`
	Args           json.RawMessage `json:"args,omitempty"`
	Changes        []saidChange    `json:"changes"`
	TraceID        string          `json:"trace_id,omitempty"`
}

type saidChange struct {
	Op        string          `json:"op"`
	EntityID  string          `json:"entity_id,omitempty"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	IfVersion *topics.Version `json:"if_version,omitempty"`
	IfSeq     uint64          `json:"if_seq,omitempty"`
	Event     string          `json:"event,omitempty"`
}

func newSaidMutation(m topics.Mutation) saidMutation {
	said := saidMutation{
		Type: "mutate", Client: m.Client, Seq: m.Seq, Topic: m.Topic, Epoch: m.Epoch, Changes: []saidChange{},
		IfTopicVersion: m.IfTopicVersion, Needs: m.Needs, Name: m.Name, Args: m.Args, TraceID: m.TraceID,
	}
	for _, c := range m.Changes {
		one := saidChange{Op: c.Op.String(), EntityID: c.EntityID, Event: c.Event, Payload: c.Payload}
		switch {
		case c.IfMatch == nil:
		case c.IfMatch.Seq != 0:
			one.IfSeq = c.IfMatch.Seq
		default:
			one.IfVersion = &c.IfMatch.Version
		}
		said.Changes = append(said.Changes, one)
	}
	return said
}

// text is v as JSON that nothing has been escaped in for the sake of HTML.
func text(v any) string {
	var b rawBuffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return string(b[:len(b)-1])
}

type rawBuffer []byte

func (b *rawBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
