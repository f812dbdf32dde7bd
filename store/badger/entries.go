package badger

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
)

// entries is a bounded cache of the entity index for rows that are written to: an
// Append looks up what it replaces, and that is mostly what was written lately.
type entries struct {
	cache *lru.Cache[entityKey, cachedEntry]
}

type entityKey struct {
	topic  store.Topic
	entity string
}

// cachedEntry is the newest entry of an entity. It is what a view shows when the
// view is not older than it.
type cachedEntry struct {
	entry
	birth   uint64
	changed uint64 // the commit that made it so
}

func newEntries(size int) (entries, error) {
	cache, err := lru.New[entityKey, cachedEntry](size)
	return entries{cache}, err
}

// find is the entity's entry as of a commit, when the cache can tell.
func (c entries) find(topic store.Topic, birth uint64, entityID string, at uint64) (entry, bool) {
	found, ok := c.cache.Get(entityKey{topic, entityID})
	return found.entry, ok && found.birth == birth && found.changed <= at
}

// learn takes over what commit number has changed. It is called in the order of
// commits, before readers see the commit.
func (c entries) learn(requests []*request, number uint64) {
	for _, r := range requests {
		if r.err != nil || r.alone != nil {
			continue
		}
		for _, e := range r.commit.Events {
			if e.Kind != store.KindCustom {
				c.cache.Add(entityKey{r.topic, e.EntityID}, cachedEntry{
					entry: entry{version: e.Version, kind: e.Kind}, birth: r.birth, changed: number,
				})
			}
		}
	}
}
