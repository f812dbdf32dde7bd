package client

import (
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/patch"
)

// rowsOf are the rows that a frame's events leave, nil for those they delete. It
// reports false where an event is only a patch, and the replica does not have the row
// that it was made for: nothing of the frame may then be taken in (P4).
func (r *Replica) rowsOf(f Frame) (map[string]*Row, bool) {
	rows := make(map[string]*Row, len(f.Events))
	for _, e := range f.Events {
		id := e.Data.EntityID
		switch {
		case e.Version <= r.Position.Version || e.Op == "none":
		case e.Op == "delete":
			rows[id] = nil
		case !e.isDelta():
			rows[id] = &Row{Version: e.Version, Payload: e.Data.Payload}
		default:
			base, known := rows[id]
			if !known {
				base = r.held(id)
			}
			op, err := topics.ParseOp(e.Op)
			if base == nil || err != nil {
				return nil, false
			}
			value, err := patch.Apply(op, base.Payload, e.Patch)
			if err != nil {
				return nil, false
			}
			rows[id] = &Row{Version: e.Version, Payload: value}
		}
	}
	return rows, true
}

// isDelta reports whether the event comes without the row that it makes.
func (e Event) isDelta() bool {
	missing := len(e.Data.Payload) == 0 || string(e.Data.Payload) == "null"
	return missing && (e.Op == topics.OpPatch.String() || e.Op == topics.OpJSONPatch.String())
}

// held is the row at the replica's position; nil when it has none.
func (r *Replica) held(id string) *Row {
	if row, staged := r.staged[id]; staged {
		return row
	}
	row, shown := r.shown[id]
	if !shown || r.fresh {
		return nil
	}
	return &row
}
