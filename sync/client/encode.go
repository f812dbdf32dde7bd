package client

import (
	"bytes"
	"encoding/json"

	"github.com/lockstep-sync/lockstep/topics"
)

// EncodeSubscribe is the frame that asks for topics.
func EncodeSubscribe(wants []Want, client string) []byte {
	return encode(struct {
		Type   string `json:"type"`
		Topics []Want `json:"topics"`
		Client string `json:"client,omitempty"`
	}{"subscribe", wants, client})
}

// EncodeMutation is the frame that sends a mutation.
func EncodeMutation(m topics.Mutation) []byte {
	changes := make([]wireChange, len(m.Changes))
	for i, c := range m.Changes {
		changes[i] = wireChange{Op: c.Op.String(), EntityID: c.EntityID, Payload: c.Payload, IfVersion: wireExpect(c.IfMatch), Event: c.Event}
	}
	return encode(struct {
		Type           string          `json:"type"`
		Client         string          `json:"client"`
		Seq            uint64          `json:"seq"`
		Topic          topics.Name     `json:"topic"`
		Epoch          topics.Epoch    `json:"epoch,omitempty"`
		Changes        []wireChange    `json:"changes,omitempty"`
		Name           string          `json:"name,omitempty"`
		Args           json.RawMessage `json:"args,omitempty"`
		IfTopicVersion *topics.Version `json:"if_topic_version,omitempty"`
		Needs          uint64          `json:"needs,omitempty"`
		TraceID        string          `json:"trace_id,omitempty"`
	}{"mutate", m.Client, m.Seq, m.Topic, m.Epoch, changes, m.Name, m.Args, m.IfTopicVersion, m.Needs, m.TraceID})
}

type wireChange struct {
	Op        string          `json:"op"`
	EntityID  string          `json:"entity_id,omitempty"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	IfVersion any             `json:"if_version,omitempty"`
	Event     string          `json:"event,omitempty"`
}

// wireExpect is a version, or {"seq": n}, or nothing.
func wireExpect(e *topics.Expect) any {
	switch {
	case e == nil:
		return nil
	case e.Seq != 0:
		return map[string]uint64{"seq": e.Seq}
	}
	return e.Version
}

// encode panics where the application put something into a payload that is not JSON.
func encode(frame any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a payload is sent as it was written: the server hashes it
	if err := e.Encode(frame); err != nil {
		panic("client: a frame cannot be encoded: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
