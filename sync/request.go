package statesync

import (
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// request is one mutation on its way to its answer.
type request struct {
	mutation topics.Mutation
	identity Identity
	refused  *topics.Error // it is malformed, or a hook refused it; it takes its place in its lane all the same
	reply    func(frame.Answer)
	hash     uint64
}

func (r *request) lane() store.LaneKey {
	return store.LaneKey{User: r.identity.User, Client: r.mutation.Client}
}

func (r *request) key() store.IdempotencyKey {
	return store.IdempotencyKey{User: r.identity.User, Key: r.mutation.Key}
}

// entityOf is the entity whose row explains a rejection, when one change is at fault.
func entityOf(m topics.Mutation, e *topics.Error) string {
	if e.Code != topics.CodeConflict && e.Code != topics.CodePatchFailed {
		return ""
	}
	if i, ok := changeIndex(e.Field); ok && i < len(m.Changes) {
		return m.Changes[i].EntityID
	}
	return ""
}
