package client

import (
	"encoding/json"
	"maps"

	"github.com/lockstep-sync/lockstep/topics"
)

// Row is one entity as a replica shows it.
type Row struct {
	Version topics.Version
	Payload json.RawMessage
}

// Effect is what a frame did to a replica.
type Effect uint8

// The effects.
const (
	Ignored Effect = iota // the frame was known, or is about something else
	Staged                // taken in; nothing new is shown until the run ends
	Shown                 // what the replica shows is now the state at its position
	Gap                   // something is missing: subscribe again with the replica's position
	Reset                 // the server said to start over; a run from 0 follows
)

// Replica is one topic as a client holds it. It shows only states that the server
// had (P4): while a run is incomplete, rows that came with it are staged.
type Replica struct {
	// Position is what has been taken in, and where to resume from.
	Position topics.Position
	// Epoch and Consistent are the position of what is shown.
	Epoch      topics.Epoch
	Consistent topics.Version
	// Mixed says that what is shown comes from several moments: the run took longer
	// than the server can hold one. The next state shown is whole again.
	Mixed bool
	// Dropped counts the custom events that runs have left out.
	Dropped uint64

	// target is where the run under way ends. What its pieces have left out comes
	// with versions up to there, whether the run is gone on with or another one begins.
	target topics.Version
	shown  map[string]Row
	staged map[string]*Row // nil: deleted
	fresh  bool            // the staged rows replace all that is shown
}

// NewReplica returns an empty replica at version 0.
func NewReplica() *Replica {
	return &Replica{shown: make(map[string]Row), staged: make(map[string]*Row), fresh: true}
}

// Rows returns a copy of what is shown.
func (r *Replica) Rows() map[string]Row { return maps.Clone(r.shown) }

// Row returns one shown row.
func (r *Replica) Row(id string) (Row, bool) {
	row, ok := r.shown[id]
	return row, ok
}

// Shown is the position of what is shown. A mutation that a user makes is made there.
func (r *Replica) Shown() topics.Position {
	return topics.Position{Epoch: r.Epoch, Version: r.Consistent}
}

// Apply takes in one frame of the replica's topic.
func (r *Replica) Apply(f Frame) Effect {
	switch f.Type {
	case "snapshot":
		return r.snapshot(f)
	case "events":
		return r.events(f)
	case "mark":
		return r.mark(f)
	case "resync":
		r.Restart(f.Epoch)
		return Reset
	case "subscribed":
		return r.subscribed(f)
	}
	return Ignored
}

// subscribed drops what a run from 0 has staged when the server begins that run
// anew: rows that went meanwhile are not in the second one.
func (r *Replica) subscribed(f Frame) Effect {
	if r.fresh && f.Version < r.Position.Version {
		r.Restart(f.Epoch)
		return Reset
	}
	return Ignored
}

// Restart forgets the position, as before a subscription without one. What is
// shown stays until the run from 0 is complete.
func (r *Replica) Restart(epoch topics.Epoch) {
	r.Position = topics.Position{Epoch: epoch}
	r.staged = make(map[string]*Row)
	r.fresh, r.target = true, 0
}

// adopt reports whether the frame is of the replica's epoch, which a replica at
// version 0 takes from the frame.
func (r *Replica) adopt(f Frame) bool {
	if r.Position.Version == 0 {
		r.Position.Epoch = f.Epoch
	}
	return r.Position.Epoch == f.Epoch
}

func (r *Replica) snapshot(f Frame) Effect {
	switch at := r.Position.Version; {
	case at == 0: // it holds nothing, whether or not that has been shown
		r.fresh = true
		clear(r.staged)
	case f.Epoch != r.Position.Epoch:
		return Gap
	case !r.fresh:
		return Ignored
	case f.Version != r.target && f.From == 0: // another run: what this one lists no more is gone
		r.Restart(f.Epoch)
	case f.Version != r.target || f.From > at:
		return Gap
	case f.To < at:
		return Ignored
	}
	if !r.adopt(f) || f.From > r.Position.Version {
		return Gap
	}
	for _, d := range f.Rows {
		r.staged[d.EntityID] = &Row{Version: d.Version, Payload: d.Payload}
	}
	return r.moved(f)
}

func (r *Replica) events(f Frame) Effect {
	switch at := r.Position.Version; {
	case !r.adopt(f) || f.From > at:
		return Gap
	case f.To < at || f.To == at && !f.Mixed:
		return Ignored
	}
	rows, whole := r.rowsOf(f)
	if !whole {
		return Gap
	}
	maps.Copy(r.staged, rows)
	r.Dropped += f.Dropped
	return r.moved(f)
}

// moved goes to the frame's end and shows what is staged when the run is complete.
func (r *Replica) moved(f Frame) Effect {
	r.Position.Version = f.To
	if f.More {
		r.target = max(r.target, f.Version)
		return Staged
	}
	if f.To < r.target && !f.Mixed {
		return Staged
	}
	if r.fresh {
		clear(r.shown)
		r.fresh = false
	}
	for id, row := range r.staged {
		if row == nil {
			delete(r.shown, id)
		} else {
			r.shown[id] = *row
		}
	}
	clear(r.staged)
	r.Epoch, r.Consistent, r.Mixed = f.Epoch, f.To, f.Mixed
	return Shown
}

// mark compares: a mark ahead of the replica means that the end of the log was lost, and
// one before anything has been loaded that the load was.
func (r *Replica) mark(f Frame) Effect {
	if !r.adopt(f) || f.Version > r.Position.Version || r.fresh {
		return Gap
	}
	return Ignored
}
