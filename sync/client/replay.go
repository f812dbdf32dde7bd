package client

import (
	"maps"

	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/patch"
)

// replay applies the changes of one mutation to rows, all of them or none, as the
// server would. Rows that it makes keep the version of what they were made from. It
// does not check preconditions: whether those hold is for the server to say.
func replay(rows map[string]Row, changes []topics.Change) (map[string]Row, bool) {
	next := maps.Clone(rows)
	for _, c := range changes {
		row, exists := next[c.EntityID]
		switch c.Op {
		case topics.OpNone:
		case topics.OpDelete:
			delete(next, c.EntityID)
		case topics.OpPut:
			next[c.EntityID] = Row{Version: row.Version, Payload: c.Payload}
		case topics.OpPatch, topics.OpJSONPatch:
			value, err := patch.Apply(c.Op, row.Payload, c.Payload)
			if !exists || err != nil {
				return nil, false
			}
			next[c.EntityID] = Row{Version: row.Version, Payload: value}
		}
	}
	return next, true
}
