package statesync

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Retention says how much history a topic keeps. Rows are never lost by it: they
// live in the last list.
type Retention struct {
	Events     uint64        // at least so many events of the log; default 10,000
	Age        time.Duration // and at least the log of this time; default 1 h
	Tombstones time.Duration // and tombstones for so long beyond that; default 30 days
	Forever    bool          // the whole log; nothing is ever compacted
}

// The pace of retention: how often it looks, and at how many topics each time.
const (
	retentionEvery  = 10 * time.Second
	retentionTopics = 500
)

// DefaultRetention is what topics keep where nothing is said.
func DefaultRetention() Retention { return Retention{}.orDefault() }

func (r Retention) orDefault() Retention {
	if r.Events == 0 {
		r.Events = 10_000
	}
	if r.Age == 0 {
		r.Age = time.Hour
	}
	if r.Tombstones == 0 {
		r.Tombstones = 30 * 24 * time.Hour
	}
	return r
}

// retain moves floors until the engine closes: each time those of the next topics
// in the store's order, so that every topic has its turn.
func (e *Engine) retain() {
	ticker := time.NewTicker(retentionEvery)
	defer ticker.Stop()
	var next store.Topic
	for {
		select {
		case <-e.lifetime.Done():
			return
		case <-ticker.C:
		}
		var err error
		if next, err = e.retainSome(e.lifetime, next); err != nil && !isCancelled(err) {
			e.log.Error("compaction failed", "error", err)
		}
	}
}

// retainSome compacts the topics after a topic, up to retentionTopics of them, and
// returns the last one; the zero Topic when it came to the end.
func (e *Engine) retainSome(ctx context.Context, after store.Topic) (store.Topic, error) {
	list, err := e.store.Topics(ctx, after, retentionTopics)
	if err != nil {
		return after, err
	}
	var failed error
	for _, key := range list {
		if err := e.Compact(ctx, key); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	if len(list) < retentionTopics {
		return store.Topic{}, failed
	}
	return list[len(list)-1], failed
}

// Compact moves one topic's floors to where its retention allows. The engine does
// so by itself; calling it is for tests and tools.
func (e *Engine) Compact(ctx context.Context, key store.Topic) error {
	policy := e.retention(key.Name.Type()).orDefault()
	if policy.Forever {
		return nil
	}
	head, err := e.store.Head(ctx, key)
	if err != nil {
		return err
	}
	now := e.clock()
	floors, err := e.floorsAt(ctx, key, head, policy, now)
	if err != nil || floors == head.Floors {
		return err
	}
	if err := e.store.Compact(ctx, key, floors); err != nil {
		return err
	}
	t := e.registry.peek(key)
	if t == nil {
		return nil
	}
	return t.refresh(ctx)
}

// floorsAt is how far the floors may go: not beyond the last Events events, nor
// beyond what is younger than the policy's times.
func (e *Engine) floorsAt(ctx context.Context, key store.Topic, head store.Head, policy Retention, now time.Time) (store.Floors, error) {
	floors := head.Floors
	var err error
	if keep := topics.Version(policy.Events); head.Version > keep && head.Version-keep > floors.Retention {
		floors.Retention, err = oldest(floors.Retention, head.Version-keep, now.Add(-policy.Age), func(after topics.Version) (store.Page, error) {
			return e.store.Read(ctx, key, after, store.Budget{Events: 1})
		})
	}
	if err == nil && floors.Tombstones < floors.Retention {
		floors.Tombstones, err = oldest(floors.Tombstones, floors.Retention, now.Add(-policy.Age-policy.Tombstones), func(after topics.Version) (store.Page, error) {
			return e.store.Last(ctx, key, after, 0, store.Budget{Events: 1})
		})
	}
	return floors, err
}

// oldest is the largest version from low to high up to which everything is older
// than a time. look returns the first event after a version; times ascend with
// versions, so a binary search finds it in few reads.
func oldest(low, high topics.Version, than time.Time, look func(topics.Version) (store.Page, error)) (topics.Version, error) {
	var failed error
	n := sort.Search(int(high-low), func(i int) bool { //nolint:gosec // at most 2^53
		if failed != nil {
			return true
		}
		page, err := look(low + topics.Version(i)) //nolint:gosec // not negative
		if err != nil {
			failed = err
			return true
		}
		return len(page.Events) == 0 || page.Events[0].Millis > than.UnixMilli() || page.Events[0].Version > high
	})
	if failed != nil {
		return low, failed
	}
	return low + topics.Version(n), nil //nolint:gosec // not negative
}
