package badger

import (
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// tallies prove that a run over the last list from nothing brought every row: what
// its pages held so far is kept until the next page is asked for, and at the end
// count and digest must be the head's. It is bounded; a run whose tally was dropped
// is not proven.
type tallies struct {
	cache *lru.Cache[tallyKey, tally]
}

// maxTallies bounds the runs that are under way and proven.
const maxTallies = 1024

type tallyKey struct {
	topic store.Topic
	at    store.Timestamp
	after topics.Version // where the next page begins
}

type tally struct {
	rows   int64
	digest uint64
}

func newTallies() (tallies, error) {
	cache, err := lru.New[tallyKey, tally](maxTallies)
	return tallies{cache}, err
}

// prove counts a page that began after a version.
func (t tallies) prove(s *Store, topic store.Topic, h head, after topics.Version, page store.Page) error {
	var sum tally
	if after > 0 {
		var ok bool
		if sum, ok = t.cache.Get(tallyKey{topic, page.At, after}); !ok {
			return nil
		}
	}
	for _, e := range page.Events {
		if e.Kind == store.KindRow {
			sum.rows++
			sum.digest += rowHash(e.EntityID, e.Version)
		}
		after = e.Version
	}
	switch {
	case page.More:
		t.cache.Add(tallyKey{topic, page.At, after}, sum)
	case sum.rows != h.Rows || sum.digest != h.digest:
		return s.damaged(topic, 0, fmt.Sprintf("its last list has %d rows with digest %x; its head says %d and %x", sum.rows, sum.digest, h.Rows, h.digest))
	}
	return nil
}
