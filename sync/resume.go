package statesync

import (
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Action of a plan: what a cursor is given next.
type step uint8

const (
	stepNothing step = iota // it is at the head
	stepTail                // commits from memory
	stepLog                 // every event, from the store
	stepRun                 // the last event of each entity that changed, from the store
	stepResync              // it is told why, and starts over with a run from 0
)

var stepNames = [...]string{"nothing", "tail", "log", "run", "resync"}

func (s step) String() string { return stepNames[s] }

// Reason says why a client must load again.
type Reason string

// The reasons.
const (
	ReasonEpoch  Reason = "epoch"  // the position is of another incarnation
	ReasonAhead  Reason = "ahead"  // the position is beyond the head: somebody lost data
	ReasonFloor  Reason = "floor"  // tombstones it needs are gone
	ReasonMissed Reason = "missed" // events it asked to see each of are gone
)

// Plan is what a cursor gets next.
type Plan struct {
	step   step
	Reason Reason // with resync
	Missed uint64 // with missed: how many events are gone
}

// String is the plan as vectors and logs write it.
func (p Plan) String() string {
	if p.step == stepResync {
		return "resync " + string(p.Reason)
	}
	return p.step.String()
}

// Bounds are the numbers of a topic that a cursor is held against.
type Bounds struct {
	topics.Position
	store.Floors
	Tail topics.Version // every event above it is in memory
}

// Resume decides what a cursor at the position at gets next. It is total: every
// combination of its inputs has one outcome, and none depends on a read (P5).
//
// Version 0 holds nothing and so belongs to every epoch: it adopts the topic's.
func Resume(mode frame.Mode, at topics.Position, b Bounds) Plan {
	switch v := at.Version; {
	case v != 0 && at.Epoch != b.Epoch:
		return Plan{step: stepResync, Reason: ReasonEpoch}
	case v > b.Version:
		return Plan{step: stepResync, Reason: ReasonAhead}
	case v == b.Version:
		return Plan{step: stepNothing}
	case v >= b.Tail:
		return Plan{step: stepTail}
	case mode == frame.ModeEvery && v >= b.Retention:
		return Plan{step: stepLog}
	case mode == frame.ModeEvery:
		return Plan{step: stepResync, Reason: ReasonMissed, Missed: uint64(b.Retention - v)}
	case v == 0 || v >= b.Tombstones:
		return Plan{step: stepRun}
	}
	return Plan{step: stepResync, Reason: ReasonFloor}
}
