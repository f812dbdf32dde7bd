package memory

import (
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// boundaries are the floors that come nearest to the ones asked for: not below the
// present ones, at commit boundaries, tombstones ≤ retention ≤ version.
func (t *topic) boundaries(asked store.Floors) store.Floors {
	now := t.head.Floors
	retention := max(now.Retention, t.boundary(min(asked.Retention, t.head.Version)))
	tombstones := max(now.Tombstones, t.boundary(min(asked.Tombstones, retention)))
	return store.Floors{Retention: retention, Tombstones: tombstones}
}

// boundary is the newest commit boundary at or before v that can be told: above the
// retention floor from the log, below it from the last list.
func (t *topic) boundary(v topics.Version) topics.Version {
	floor := t.head.Retention
	if v == floor || v == t.head.Version {
		return v
	}
	found := topics.Version(0)
	if v > floor {
		for found = v; found > floor && t.log[found-floor-1].End > v; found-- {
		}
		return found
	}
	t.last.Descend(store.Event{Version: v}, func(e store.Event) bool {
		if e.End > v {
			return true
		}
		found = e.End
		return false
	})
	return found
}

// compact raises the floors and removes what fell below them.
func (t *topic) compact(next store.Floors) {
	t.log = append([]store.Event(nil), t.log[next.Retention-t.head.Retention:]...)
	t.head.Floors = next
	var gone []store.Event
	t.last.Scan(func(e store.Event) bool {
		if e.Version <= next.Tombstones && e.Kind == store.KindTombstone {
			gone = append(gone, e)
		}
		return e.Version <= next.Tombstones
	})
	for _, e := range gone {
		t.last.Delete(e)
		delete(t.entity, e.EntityID)
	}
}
