package store

import (
	"context"
	"slices"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// RunLife is how long the Timestamp of a run stays readable.
const RunLife = 60 * time.Second

// Store keeps topics. The package documentation states its rules.
type Store interface {
	// Append commits c to the topic and returns the head after it. It fails with
	// ErrConflict when c.Prev is not the topic's position, with ErrFull before
	// the disk is full, and with ErrOutcomeUnknown when it cannot know.
	Append(ctx context.Context, topic Topic, c Commit) (Head, error)
	// Head is the topic's present head.
	Head(ctx context.Context, topic Topic) (Head, error)
	// Read returns events after version after, in log order.
	Read(ctx context.Context, topic Topic, after topics.Version, max Budget) (Page, error)
	// Last returns entries of the last list after version after, tombstones
	// included, as of at; the zero Timestamp is now, and the page says which it
	// was. Who builds a snapshot leaves the tombstones out.
	Last(ctx context.Context, topic Topic, after topics.Version, at Timestamp, max Budget) (Page, error)
	// Row returns the entity's entry of the last list, which may be a tombstone.
	Row(ctx context.Context, topic Topic, entityID string) (Event, bool, error)
	// Lane returns what is recorded of a lane; the zero Lane when nothing is.
	Lane(ctx context.Context, topic Topic, lane LaneKey) (Lane, error)
	// Key returns the outcome recorded under an idempotency key.
	Key(ctx context.Context, topic Topic, key IdempotencyKey) (topics.Outcome, bool, error)
	// Compact raises the topic's floors and removes what fell below them.
	Compact(ctx context.Context, topic Topic, floors Floors) error
	// Delete ends the topic's incarnation: its rows, log, lanes and keys are gone
	// and the head is that of a topic without commits.
	Delete(ctx context.Context, topic Topic) error
	// Topics lists topics with commits that come after a topic, by tenant and then
	// name, at most so many; after the zero Topic is from the beginning.
	Topics(ctx context.Context, after Topic, most int) ([]Topic, error)
	// Close waits for calls under way and makes everything durable.
	Close() error
}

// Topic names a log: a topic within its tenant.
type Topic struct {
	Tenant topics.Tenant
	Name   topics.Name
}

// String is "tenant/type:identifier", for logs and errors.
func (t Topic) String() string { return string(t.Tenant) + "/" + string(t.Name) }

// Head is what the store knows of a topic in one look.
type Head struct {
	topics.Position
	Floors
	// Genesis is the epoch of this topic while it has no commits. It equals Epoch
	// exactly then.
	Genesis topics.Epoch
	Rows    int64  // live entities
	Customs uint64 // custom events among all events up to Version
	Millis  int64  // time of the last commit, Unix milliseconds; 0 when there is none
}

// Floors are the versions below which history is gone.
type Floors struct {
	Retention  topics.Version // every event above it is in the log
	Tombstones topics.Version // every tombstone above it is in the last list
}

// Commit is what one Append makes durable together.
type Commit struct {
	Prev     topics.Position // the position it was decided at
	Events   []Event         // versions Prev.Version+1, +2, …; may be empty
	Outcomes []LaneOutcome   // in the order of the decisions
	Keys     []KeyOutcome
	Millis   int64 // the engine's clock at the commit, Unix milliseconds
}

// Kind says what an event does to the last list.
type Kind uint8

// The kinds.
const (
	KindRow       Kind = iota + 1 // the entity's row is the event's payload
	KindTombstone                 // the entity is gone
	KindCustom                    // no entity; never in the last list
)

// Event is one event as the store keeps it: its encoded bytes, which are the bytes
// that clients get, and the few numbers the store and the engine work with.
type Event struct {
	Version  topics.Version
	Replaces topics.Version // the version of the entity's entry in the last list, which this event takes over; 0: it had none
	End      topics.Version // the last version of its commit: a reader that stops there stops at a commit boundary
	Kind     Kind
	EntityID string
	JSON     []byte // the encoded event
	Data     Span   // of the "data" object within JSON
	Payload  Span   // of the payload within JSON; empty for a tombstone
	Millis   int64  // the event's time, Unix milliseconds
	// Customs counts the custom events up to this version, this one included.
	// Append fills it in from the head; what the caller put there is ignored. It
	// is how a run over the last list says how many custom events it left out.
	Customs uint64
}

// Span is a range of bytes, [Start, End).
type Span struct{ Start, End uint32 }

// DataJSON is the encoded "data" object.
func (e Event) DataJSON() []byte { return e.JSON[e.Data.Start:e.Data.End] }

// PayloadJSON is the encoded payload, nil for a tombstone.
func (e Event) PayloadJSON() []byte {
	if e.Payload.End == 0 {
		return nil
	}
	return e.JSON[e.Payload.Start:e.Payload.End]
}

// LaneKey names a lane within its topic: only its user can write to it.
type LaneKey struct{ User, Client string }

// Lane is what is recorded of a lane: the outcomes of its last mutations.
type Lane struct {
	// Outcomes are in seq order, contiguous, the newest last, at most
	// topics.MaxInFlight. Empty: the lane is unknown.
	Outcomes []topics.Outcome
}

// Last is the last seq that the lane has used up; 0 when the lane is unknown.
func (l Lane) Last() uint64 {
	if len(l.Outcomes) == 0 {
		return 0
	}
	return l.Outcomes[len(l.Outcomes)-1].Seq
}

// Find returns the outcome of seq while it is kept.
func (l Lane) Find(seq uint64) (topics.Outcome, bool) {
	if len(l.Outcomes) == 0 || seq < l.Outcomes[0].Seq || seq > l.Last() {
		return topics.Outcome{}, false
	}
	return l.Outcomes[seq-l.Outcomes[0].Seq], true
}

// With returns the lane after one more outcome, whose seq is Last()+1. The
// receiver's outcomes are not written to.
func (l Lane) With(o topics.Outcome) Lane {
	kept := l.Outcomes
	if len(kept) >= topics.MaxInFlight {
		kept = kept[len(kept)-topics.MaxInFlight+1:]
	}
	return Lane{Outcomes: append(slices.Clip(kept), o)}
}

// LaneOutcome is one decision of a lane.
type LaneOutcome struct {
	Lane LaneKey
	topics.Outcome
}

// IdempotencyKey names a mutation that came without a lane; it belongs to its user.
type IdempotencyKey struct{ User, Key string }

// KeyOutcome is the decision recorded under an idempotency key. Its Seq is 0.
type KeyOutcome struct {
	Key IdempotencyKey
	topics.Outcome
}

// Timestamp is a moment in the life of a store, in commits. Zero is now.
type Timestamp uint64

// Budget bounds one page. A page holds at least one event when there is one, so
// that reading always goes on.
type Budget struct {
	Events int // at most so many; 0: no bound
	Bytes  int // at most so many bytes of JSON, but for a single event that is larger; 0: no bound
}

// Page is a piece of a log or of a last list.
type Page struct {
	Head   Head      // as of At
	At     Timestamp // what was read; pass it on to continue the run
	Events []Event   // ascending versions
	More   bool      // events between the last one here and Head remain
}
