package frame

import (
	"encoding/json"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Frame is one frame of a client: Auth, Subscribe, Unsubscribe, Mutate, Signal,
// Present, Call, Ping or Unknown.
type Frame interface{ frame() }

// Auth carries a token: the first frame when none came with the upgrade, later a
// refresh in place.
type Auth struct{ Token string }

// Subscribe asks for topics, with a position to resume from or without one.
type Subscribe struct {
	Topics []Want
	Client string // the lanes it will write by; may be empty
}

// Want is one topic of a Subscribe.
type Want struct {
	Topic            string // as sent; the session parses it, so that one bad name fails alone
	Position         *topics.Position
	Mode             Mode
	OldestUnanswered uint64  // the lowest seq the client awaits an answer for; 0: none
	Presence         bool    // tell who is here
	Deltas           bool    // patches may come without the value that they make
	MaxRate          float64 // how often a second it is brought up to date at most; 0: as often as it can be
	Snapshot         bool    // plain mode only: rows first
	Silent           bool    // never sent: a transport subscribes unasked, and the session does not say so
}

// Mode is what a subscription sees of the history it missed.
type Mode uint8

// The modes.
const (
	ModeLatest Mode = iota // the last event of every entity
	ModeEvery              // every event, while retention keeps it
)

// Unsubscribe ends cursors.
type Unsubscribe struct{ Topics []string }

// Mutate carries one mutation.
type Mutate struct{ Mutation topics.Mutation }

// Ping asks for a pong.
type Ping struct{}

// Unknown is a frame of a type this version does not know.
type Unknown struct {
	Type string
	Body json.RawMessage // the whole frame
}

func (Auth) frame()        {}
func (Subscribe) frame()   {}
func (Unsubscribe) frame() {}
func (Mutate) frame()      {}
func (Ping) frame()        {}
func (Unknown) frame()     {}

// Answer is what became of one mutation, as sent to the session that awaits it.
type Answer struct {
	Topic   topics.Name
	Epoch   topics.Epoch // of the topic when it was decided
	Client  string
	Seq     uint64
	Status  topics.Status
	Version topics.Version
	Reject  *topics.Error // set exactly when Status is rejected
	TraceID string
	// EntityID is the entity whose current row explains the rejection; empty: none.
	EntityID string
}

// Row is an entity as a reject's current shows it, and as snapshots list it.
type Row struct {
	Version topics.Version
	Data    []byte // the encoded "data" object of its last event
}

// Welcome is the server's first frame.
type Welcome struct {
	Session   string
	User      string
	Tenant    topics.Tenant
	Heartbeat time.Duration
	Limits    WireLimits
	Now       time.Time
}

// WireLimits are the bounds that a client has to know.
type WireLimits struct {
	MessageBytes int `json:"message_bytes"`
	PayloadBytes int `json:"payload_bytes"`
	Changes      int `json:"changes"`
	InFlight     int `json:"in_flight"`
	Topics       int `json:"topics"`
}
