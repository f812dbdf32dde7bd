package topics

import "encoding/json"

// Bounds of one mutation.
const (
	MaxChanges       = 100     // changes in one mutation
	MaxMutationBytes = 1 << 20 // of the events it makes
	MaxPayloadBytes  = 128 << 10
	MaxInFlight      = 64 // unanswered mutations of one lane; also the outcomes kept
)

// Mutation is a change a client hopes for. Its identity is (client, seq) in the
// lane of its user, or Key where it came by HTTP without a lane. One of the two
// makes it exactly-once (P3).
type Mutation struct {
	Topic          Name
	Epoch          Epoch  // empty: whatever the topic's epoch is
	Client         string // with Seq: the place in a lane
	Seq            uint64 // from 1, contiguous within the lane; 0: no lane
	Key            string // idempotency key; empty: none
	Changes        []Change
	Name           string          // of a mutator registered with the server; then Changes is empty
	Args           json.RawMessage // of the mutator; may be nil
	IfTopicVersion *Version        // the head it was made for; nil: any
	Needs          uint64          // an earlier seq of the lane it builds on; 0: none
	TraceID        string
}

// Change is one step of a mutation.
type Change struct {
	Op       Op
	EntityID string
	Payload  json.RawMessage // the value, the patch, or the body of a custom event
	IfMatch  *Expect         // the wire's if_version; nil: no condition
	Event    string          // the event's name; empty: by the op
}

// Expect is a precondition on an entity. Exactly one reading applies: with Seq,
// the entity is as the lane's earlier mutation Seq left it; otherwise the entity
// is at Version, where 0 means it must not exist.
type Expect struct {
	Version Version
	Seq     uint64
}

// Status is how a mutation was decided.
type Status uint8

// The statuses. Duplicate is never stored: it is how a resend hears of applied.
const (
	StatusApplied   Status = iota + 1 // its events are in the log
	StatusUnchanged                   // it changed nothing and made no event
	StatusRejected                    // it was refused for good
	StatusDuplicate                   // it had been applied before
)

var statusNames = [...]string{StatusApplied: "applied", StatusUnchanged: "unchanged", StatusRejected: "rejected", StatusDuplicate: "duplicate"}

// String is the status on the wire.
func (s Status) String() string { return statusNames[s] }

// Outcome is the recorded decision on one mutation. It is stored in the same
// commit as the mutation's events, so that every resend finds it (P3).
type Outcome struct {
	Seq     uint64
	Hash    uint64  // of the mutation; another hash under the same seq is seq_reused
	Status  Status  // applied, unchanged or rejected
	Version Version // the topic's head right after the decision
	Reject  *Error  // set exactly when Status is rejected
	Millis  int64   // when it was decided, in Unix milliseconds
}
