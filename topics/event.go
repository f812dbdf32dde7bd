package topics

import (
	"encoding/json"
	"time"
)

// Op is what a change does to its entity's row.
type Op uint8

// The ops. The zero value is put, which is also what the wire means when it says nothing.
const (
	OpPut       Op = iota // the full value
	OpPatch               // JSON Merge Patch, RFC 7396
	OpJSONPatch           // JSON Patch, RFC 6902
	OpDelete              // the row goes
	OpNone                // a custom event: touches no row, supersedes nothing
)

var opNames = [...]string{OpPut: "put", OpPatch: "patch", OpJSONPatch: "json_patch", OpDelete: "delete", OpNone: "none"}

// String is the op's name on the wire.
func (o Op) String() string { return opNames[o] }

// ParseOp returns the op named s. The empty string is put.
func ParseOp(s string) (Op, error) {
	if s == "" {
		return OpPut, nil
	}
	for op, name := range opNames {
		if name == s {
			return Op(op), nil
		}
	}
	return 0, Errorf(CodeInvalid, "op", "%q must be put, patch, json_patch, delete or none", clip(s))
}

// Default event names: the name labels, the op decides.
const (
	EventAdded   = "ADDED"
	EventUpdated = "UPDATED"
	EventDeleted = "DELETED"
)

// Event is one committed change, already ordered.
type Event struct {
	Version  Version
	Name     string // ADDED, UPDATED, DELETED, or the mutation's own
	Op       Op
	EntityID string          // may be empty only when Op is none
	Payload  json.RawMessage // the full value after the change; nil after a delete
	Patch    json.RawMessage // what was sent, when the change was partial
	User     string
	Client   string // the lane it came by; empty for changes of the server's own
	Seq      uint64
	TraceID  string
	Time     time.Time // the server's clock at the commit, to the millisecond
}

// TimeLayout is how a time is written on the wire: RFC 3339, UTC, milliseconds.
const TimeLayout = "2006-01-02T15:04:05.000Z"
