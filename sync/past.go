package statesync

import (
	"context"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// storedPast reads what came before a batch: from memory where it is there, from
// the store otherwise.
type storedPast struct {
	ctx   context.Context //nolint:containedctx // lives for one batch
	topic *topic
}

func (p storedPast) Row(entityID string) (store.Event, bool, error) {
	p.topic.mu.Lock()
	recent := p.topic.tail.latest[entityID]
	p.topic.mu.Unlock()
	if recent != nil {
		return recent.Event, true, nil
	}
	return p.topic.engine.store.Row(p.ctx, p.topic.key, entityID)
}

func (p storedPast) Lane(key store.LaneKey) (store.Lane, error) {
	if lane, ok := p.topic.engine.lanes.get(p.topic.key, key); ok {
		return lane, nil
	}
	return p.topic.engine.store.Lane(p.ctx, p.topic.key, key)
}

func (p storedPast) Key(key store.IdempotencyKey) (topics.Outcome, bool, error) {
	return p.topic.engine.store.Key(p.ctx, p.topic.key, key)
}
