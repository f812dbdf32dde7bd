package statesync

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// lanes keeps recently used lanes in memory, so that a busy lane is not read from
// the store for each of its mutations. A topic's lanes are written by the goroutine
// that commits it, and only after the commit is durable.
type lanes struct {
	recent *lru.Cache[laneRef, store.Lane]
}

// laneRef names a lane of the whole store.
type laneRef struct {
	topic store.Topic
	key   store.LaneKey
}

func newLanes(size int) *lanes {
	recent, err := lru.New[laneRef, store.Lane](size)
	if err != nil {
		panic("statesync: Limits.Lanes must be positive: " + err.Error())
	}
	return &lanes{recent: recent}
}

// extend is lane.With for whoever holds the newest state of a lane and extends it
// once: it writes behind what earlier states show, so that a busy lane is copied
// once in MaxInFlight mutations.
func extend(lane store.Lane, o topics.Outcome) store.Lane {
	kept := lane.Outcomes
	if len(kept) >= topics.MaxInFlight {
		kept = kept[len(kept)-topics.MaxInFlight+1:]
	}
	if len(kept) == cap(kept) {
		moved := make([]topics.Outcome, len(kept), len(kept)+topics.MaxInFlight)
		copy(moved, kept)
		kept = moved
	}
	return store.Lane{Outcomes: append(kept, o)}
}

func (l *lanes) get(topic store.Topic, key store.LaneKey) (store.Lane, bool) {
	return l.recent.Get(laneRef{topic, key})
}

func (l *lanes) keep(topic store.Topic, changed map[store.LaneKey]store.Lane) {
	for key, lane := range changed {
		l.recent.Add(laneRef{topic, key}, lane)
	}
}

// forget drops a topic's lanes: after a failed commit, or when the topic is deleted.
func (l *lanes) forget(topic store.Topic) {
	for _, ref := range l.recent.Keys() {
		if ref.topic == topic {
			l.recent.Remove(ref)
		}
	}
}
