package statesync

import (
	"context"
	"maps"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
)

// registry holds the topics in memory. One that nobody uses stays warm until
// others push it out; a topic on disk that is not here costs nothing.
type registry struct {
	engine *Engine
	mu     sync.Mutex
	used   map[store.Topic]*topic          // refs > 0
	warm   *lru.Cache[store.Topic, *topic] // refs == 0; at Limits.WarmTopics the oldest goes
}

func newRegistry(e *Engine) *registry {
	warm, err := lru.New[store.Topic, *topic](e.limits.WarmTopics)
	if err != nil {
		panic("statesync: Limits.WarmTopics must be positive: " + err.Error())
	}
	return &registry{engine: e, used: make(map[store.Topic]*topic), warm: warm}
}

// use returns the topic and counts the caller as a user of it.
func (r *registry) use(key store.Topic) *topic {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.used[key]
	if t == nil {
		t, _ = r.warm.Get(key)
		r.warm.Remove(key)
	}
	if t == nil {
		t = &topic{key: key, engine: r.engine, inFlight: make(map[store.LaneKey]int)}
	}
	r.used[key] = t
	t.refs++
	return t
}

// peek returns the topic if it is in memory.
func (r *registry) peek(key store.Topic) *topic {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.used[key]; t != nil {
		return t
	}
	t, _ := r.warm.Peek(key)
	return t
}

// release ends one use.
func (r *registry) release(t *topic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.refs--; t.refs > 0 {
		return
	}
	delete(r.used, t.key)
	r.warm.Add(t.key, t)
}

// reload makes every topic in memory that of the store again, after the store was
// replaced: a commit whose outcome was unknown may be in it.
func (r *registry) reload(ctx context.Context) {
	r.mu.Lock()
	r.warm.Purge()
	used := slices.Collect(maps.Values(r.used))
	r.mu.Unlock()
	for _, t := range used {
		t.mu.Lock()
		t.loaded = false
		if err := t.load(ctx); err == nil {
			t.wakeAll()
		}
		t.mu.Unlock()
		r.engine.lanes.forget(t.key)
	}
}

// size counts the topics in memory.
func (r *registry) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.used) + r.warm.Len()
}
