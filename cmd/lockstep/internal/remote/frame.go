package remote

import (
	"encoding/json"

	"github.com/lockstep-sync/lockstep/topics"
)

// Frame is one frame of a topic that is followed: snapshot, events or resync. Only
// the fields of its type are set.
type Frame struct {
	Type  string       `json:"type"`
	Epoch topics.Epoch `json:"epoch"`

	Entities []Row          `json:"entities"` // of a snapshot
	Events   []Event        `json:"events"`
	From     topics.Version `json:"from"`
	To       topics.Version `json:"to"`
	More     bool           `json:"more"`    // the run goes on in the next frame
	Dropped  uint64         `json:"dropped"` // custom events that were left out

	Reason string `json:"reason"` // of a resync
	Count  uint64 `json:"count"`  // of the events it has lost, where that is known

	Code    topics.Code  `json:"code"` // of an error
	Field   string       `json:"field"`
	Message string       `json:"message"`
	Retry   topics.Retry `json:"retry"`

	At topics.Position `json:"-"` // after the frame
}

// after leaves out the events up to a version: a server that goes on at the
// beginning of a commit may send again what the follower has of it.
func (f *Frame) after(version topics.Version) {
	for len(f.Events) > 0 && f.Events[0].Version <= version {
		f.Events = f.Events[1:]
	}
	f.From = max(f.From, version)
}

// Event is one event of a topic that is followed.
type Event struct {
	Version topics.Version
	Name    string
	TraceID string
	JSON    json.RawMessage // all of it, as the server sent it
}

// UnmarshalJSON keeps the text beside the fields.
func (e *Event) UnmarshalJSON(text []byte) error {
	var fields struct {
		Version topics.Version `json:"version"`
		Name    string         `json:"event"`
		TraceID string         `json:"trace_id"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	*e = Event{Version: fields.Version, Name: fields.Name, TraceID: fields.TraceID, JSON: append(json.RawMessage(nil), text...)}
	return nil
}

// Data is what an event did to which entity.
type Data struct {
	EntityID  string          `json:"entity_id"`
	Payload   json.RawMessage `json:"payload"`
	User      string          `json:"user_id"`
	Timestamp string          `json:"timestamp"`
}

// Data reads the event's data.
func (e *Event) Data() (Data, error) {
	var fields struct {
		Data Data `json:"data"`
	}
	err := json.Unmarshal(e.JSON, &fields)
	return fields.Data, err
}
