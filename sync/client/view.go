package client

import (
	"maps"
	"slices"

	"github.com/lockstep-sync/lockstep/topics"
)

// View is a replica with the mutations that it does not hold yet applied on top: what
// a user who wrote them expects to see.
//
// The layer of a mutation goes in the very batch that brings what is shown to the
// version of its ack or past it, or that holds an event of its own; or with its
// rejection. Nothing flickers, whichever of ack and event comes first.
type View struct {
	replica *Replica
	layers  []*layer // in the order in which they were added
}

// layer is one mutation as its user sees it before the server has said so.
type layer struct {
	mutation topics.Mutation
	// seen: an event of its own has been taken in, and shows with the next state.
	seen bool
	// acked is the position of its ack; nil without one.
	acked *topics.Position
	// shown and loading are the epochs that the replica showed and followed when the
	// ack came.
	shown, loading topics.Epoch
}

// NewView returns a view on a replica. From here on the replica's frames go through
// the view.
func NewView(r *Replica) *View { return &View{replica: r} }

// Add puts a mutation on top, as the outbox returned it.
func (v *View) Add(m topics.Mutation) { v.layers = append(v.layers, &layer{mutation: m}) }

// Apply takes in one frame by apply, which is Apply of the replica or of its
// subscription, and drops the layers that what is shown now holds.
func (v *View) Apply(f Frame, apply func(Frame) Effect) Effect {
	effect := apply(f)
	switch effect {
	case Staged, Shown:
		v.see(f.Events)
	case Ignored, Gap, Reset:
	}
	if effect == Shown && !v.replica.Mixed { // see waits
		v.keep(func(l *layer) bool { return !l.seen && (l.acked == nil || l.waits(v.replica)) })
	}
	if f.Type == "mark" && effect == Ignored {
		v.settleAt(f)
	}
	return effect
}

// see notes which layers the events of a batch belong to, or stand for.
func (v *View) see(events []Event) {
	for _, e := range events {
		for _, l := range v.layers {
			if e.Seq != 0 && l.decidedBy(e.Client, e.Seq) {
				l.seen = true
			}
		}
	}
}

// settleAt drops the acked layers when a mark says that what is shown is the head:
// nothing follows that they could wait for, be it that their epoch is gone.
func (v *View) settleAt(mark Frame) {
	if r := v.replica; mark.Version != r.Consistent || mark.Epoch != r.Epoch && mark.Version != 0 {
		return
	}
	v.keep(func(l *layer) bool { return l.acked == nil })
}

// waits reports whether an acked layer is still ahead of what the replica shows. Epochs
// do not compare, but they follow each other: when the ack's epoch is not shown, it is
// yet to come only while the replica shows one that it showed or loaded at the ack. A
// topic at version 0 is empty in any epoch. A state of several moments may lack what is
// before its version.
func (l *layer) waits(r *Replica) bool {
	if r.Epoch == l.acked.Epoch || r.Consistent == 0 && l.acked.Version == 0 {
		return r.Consistent < l.acked.Version || r.Mixed
	}
	return r.Epoch == l.shown || r.Epoch == l.loading
}

// decidedBy reports whether the mutation was decided when seq of a client's lane was: a
// lane is decided in order, whatever became of the answers.
func (l *layer) decidedBy(client string, seq uint64) bool {
	return l.mutation.Client == client && l.mutation.Seq <= seq
}

// Settle takes in what the outbox says of a mutation: a rejected one disappears, an
// acked one, and those before it in its lane, stay until what is shown holds them.
func (v *View) Settle(s Settled) {
	client, seq := s.Mutation.Client, s.Mutation.Seq
	for _, l := range v.layers {
		if s.Status != topics.StatusRejected && l.acked == nil && l.decidedBy(client, seq) {
			l.acked, l.shown, l.loading = &s.Position, v.replica.Epoch, v.replica.Position.Epoch
		}
	}
	v.keep(func(l *layer) bool {
		if l.acked == nil {
			return l.mutation.Client != client || l.mutation.Seq != seq
		}
		return !l.decidedBy(client, seq) || l.waits(v.replica)
	})
}

func (v *View) keep(wanted func(*layer) bool) {
	v.layers = slices.DeleteFunc(v.layers, func(l *layer) bool { return !wanted(l) })
}

// Layers returns the mutations whose effect is shown on top of the replica's rows.
func (v *View) Layers() []topics.Mutation {
	out := make([]topics.Mutation, len(v.layers))
	for i, l := range v.layers {
		out[i] = l.mutation
	}
	return out
}

// Rows returns a copy of the rows as the user sees them.
func (v *View) Rows() map[string]Row {
	rows := maps.Clone(v.replica.shown)
	for _, l := range v.layers {
		if next, ok := replay(rows, l.mutation.Changes); ok {
			rows = next
		}
	}
	return rows
}
