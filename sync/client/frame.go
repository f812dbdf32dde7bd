package client

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/lockstep-sync/lockstep/topics"
)

// Frame is any frame of a server; the fields of other types are zero. Fields and
// types this version does not know are ignored.
type Frame struct {
	Type    string          `json:"type"`
	Topic   topics.Name     `json:"topic"`
	Epoch   topics.Epoch    `json:"epoch"`
	Version topics.Version  `json:"version"`
	From    topics.Version  `json:"from"`
	To      topics.Version  `json:"to"`
	More    bool            `json:"more"`
	Mixed   bool            `json:"mixed"`
	Dropped uint64          `json:"dropped"`
	Events  []Event         `json:"events"`
	Rows    []Data          `json:"entities"`
	Reason  string          `json:"reason"`
	Count   uint64          `json:"count"`
	Client  string          `json:"client"`
	Seq     uint64          `json:"seq"`
	Status  string          `json:"status"`
	Code    topics.Code     `json:"code"`
	Field   string          `json:"field"`
	Message string          `json:"message"`
	Retry   topics.Retry    `json:"retry"`
	Current json.RawMessage `json:"current"`
	// CurrentVersion is the version of Current.
	CurrentVersion topics.Version `json:"current_version"`
	Expected       uint64         `json:"expected"`
	RetryAfterMS   int64          `json:"retry_after_ms"`
	Session        string         `json:"session"`
	HeartbeatMS    int64          `json:"heartbeat_ms"`
	Conflated      bool           `json:"conflated"`
}

// Event is one event of an events frame.
type Event struct {
	Version topics.Version `json:"version"`
	Name    string         `json:"event"`
	Data    Data           `json:"data"`
	Op      string         `json:"op"`
	// Patch is what was sent, when the change was partial.
	Patch  json.RawMessage `json:"patch"`
	Client string          `json:"client"`
	Seq    uint64          `json:"seq"`
}

// Data is an event's data, or an entity of a snapshot, which has its version too.
type Data struct {
	EntityID string          `json:"entity_id"`
	Version  topics.Version  `json:"version"`
	Payload  json.RawMessage `json:"payload"`
	User     string          `json:"user_id"`
}

// ParseFrames reads the frames of one message, which newlines separate.
func ParseFrames(message []byte) ([]Frame, error) {
	var frames []Frame
	for line := range bytes.SplitSeq(message, []byte{'\n'}) {
		if len(line) == 0 {
			continue
		}
		var f Frame
		if err := json.Unmarshal(line, &f); err != nil {
			return frames, fmt.Errorf("client: a frame of the server is not JSON: %w", err)
		}
		frames = append(frames, f)
	}
	return frames, nil
}
