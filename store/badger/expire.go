package badger

import (
	"bytes"
	"context"
	"slices"
	"time"

	bdg "github.com/dgraph-io/badger/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// How long outcomes are kept at least. A lane that is gone answers expired; a key
// that is gone is taken for a new one.
const (
	LaneLife    = 90 * 24 * time.Hour // after a lane's last use
	KeyLife     = 24 * time.Hour
	KeysKept    = 100_000   // per topic, however old they are
	expireEvery = time.Hour // a topic is looked through at most this often
)

// expiry knows when each topic was last looked through for old outcomes. It is
// bounded; a topic it has forgotten is looked through again.
type expiry struct {
	looked *lru.Cache[store.Topic, time.Time]
}

func newExpiry() (expiry, error) {
	looked, err := lru.New[store.Topic, time.Time](16 << 10)
	return expiry{looked}, err
}

// due reports whether a topic shall be looked through now, and notes that it was.
func (x expiry) due(topic store.Topic, now time.Time) bool {
	if last, ok := x.looked.Get(topic); ok && now.Sub(last) < expireEvery {
		return false
	}
	x.looked.Add(topic, now)
	return true
}

// expire removes lanes and keys whose life is over, in small commits.
func (s *Store) expire(ctx context.Context, topic store.Topic, birth uint64) error {
	now := s.clock()
	if !s.expiry.due(topic, now) {
		return nil
	}
	prefix := dataPrefix(topic, birth)
	lanes, err := s.oldLanes(topic, prefix, now.Add(-LaneLife).UnixMilli())
	if err != nil {
		return err
	}
	if err := s.removeOld(ctx, topic, kindOutcome, lanes, now.Add(-LaneLife).UnixMilli()); err != nil {
		return err
	}
	keys, err := s.oldKeys(topic, prefix, now.Add(-KeyLife).UnixMilli())
	if err != nil {
		return err
	}
	return s.removeOld(ctx, topic, kindKey, keys, now.Add(-KeyLife).UnixMilli())
}

// maxExpired bounds what one look removes; the next one goes on.
const maxExpired = 64 << 10

// oldLanes are the slots of lanes whose newest outcome is older than a time.
func (s *Store) oldLanes(topic store.Topic, prefix []byte, before int64) ([][]byte, error) {
	var old, slots [][]byte
	newest := int64(0)
	flush := func() {
		if newest < before && len(old) < maxExpired {
			old = append(old, slots...)
		}
		slots, newest = nil, 0
	}
	err := s.eachOutcome(topic, prefix, kindOutcome, func(key []byte, millis int64) {
		if len(slots) > 0 && !bytes.Equal(key[:len(key)-1], slots[0][:len(slots[0])-1]) {
			flush()
		}
		slots, newest = append(slots, key), max(newest, millis)
	})
	flush()
	return old, err
}

// oldKeys are idempotency keys older than a time, as far as enough others are kept.
func (s *Store) oldKeys(topic store.Topic, prefix []byte, before int64) ([][]byte, error) {
	var old [][]byte
	total := 0
	err := s.eachOutcome(topic, prefix, kindKey, func(key []byte, millis int64) {
		if total++; millis < before && len(old) < maxExpired {
			old = append(old, key)
		}
	})
	return old[:min(len(old), max(0, total-KeysKept))], err
}

func (s *Store) eachOutcome(topic store.Topic, prefix []byte, kind byte, use func(key []byte, millis int64)) error {
	v := s.viewAt(s.durable.Load())
	defer v.close()
	p := append(slices.Clip(prefix), kind)
	return v.scan(p, p, func(key []byte, item *bdg.Item) (bool, error) {
		return true, item.Value(func(record []byte) error {
			o, err := decodeOutcome(key, kind, record)
			if err != nil {
				return s.damaged(topic, 0, "an outcome: "+err.Error())
			}
			use(bytes.Clone(key), o.Millis)
			return nil
		})
	})
}

// removeOld removes outcomes that are still as old when their turn comes: a lane
// that was used meanwhile keeps all of its slots.
func (s *Store) removeOld(ctx context.Context, topic store.Topic, kind byte, keys [][]byte, before int64) error {
	for len(keys) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.ending() {
			return store.ErrClosed
		}
		n := wholeLanes(kind, keys)
		err := s.do(topic, func(v view) (*job, error) { return v.dropOld(kind, keys[:n], before) })
		if err != nil {
			return err
		}
		keys = keys[n:]
		s.pause()
	}
	return nil
}

// wholeLanes is how many of the keys one commit takes: a lane goes all at once.
func wholeLanes(kind byte, keys [][]byte) int {
	n := min(len(keys), sweepKeys)
	for kind == kindOutcome && n < len(keys) && bytes.Equal(keys[n][:len(keys[n])-1], keys[n-1][:len(keys[n-1])-1]) {
		n++
	}
	return n
}

func (v view) dropOld(kind byte, keys [][]byte, before int64) (*job, error) {
	used := map[string]bool{} // lanes with an outcome that is not old
	for _, key := range keys {
		var o topics.Outcome
		if _, err := v.get(key, func(record []byte) (err error) {
			o, err = decodeOutcome(key, kind, record)
			return err
		}); err != nil {
			return nil, err
		}
		if o.Millis >= before {
			used[string(key[:len(key)-1])] = true
		}
	}
	j := &job{}
	for _, key := range keys {
		if !used[string(key[:len(key)-1])] {
			j.writes = append(j.writes, write{key: key})
		}
	}
	return j, nil
}
