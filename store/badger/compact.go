package badger

import (
	"context"
	"fmt"
	"slices"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Compact raises the topic's floors in one commit, and then removes what is below
// them in small ones, with a pause between, so that appends never wait for it. If
// it ends early, what is left is out of reach already; the next Compact removes it.
func (s *Store) Compact(ctx context.Context, topic store.Topic, floors store.Floors) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.life.RUnlock()
	if err := s.failed.Load(); err != nil {
		return *err
	}
	if err := s.quarantine.of(topic); err != nil {
		return err
	}
	var birth uint64
	err := s.do(topic, func(v view) (*job, error) {
		h, err := v.head(topic)
		if birth = h.birth; err != nil || birth == 0 {
			return nil, err
		}
		next, err := v.boundaries(topic, h, floors)
		if err != nil || next == h.Floors {
			return nil, err
		}
		h.Floors = next
		return &job{head: &h}, nil
	})
	if err != nil || birth == 0 {
		return err
	}
	if err := s.removeBelow(ctx, topic, birth); err != nil {
		return err
	}
	return s.expire(ctx, topic, birth)
}

// boundaries are the floors that come nearest to the ones asked for: rule 10.
func (v view) boundaries(topic store.Topic, h head, asked store.Floors) (store.Floors, error) {
	retention, err := v.boundary(topic, h, min(asked.Retention, h.Version))
	if err != nil {
		return store.Floors{}, err
	}
	retention = max(h.Retention, retention)
	tombstones := min(asked.Tombstones, retention)
	if tombstones != retention {
		if tombstones, err = v.boundary(topic, h, tombstones); err != nil {
			return store.Floors{}, err
		}
	}
	return store.Floors{Retention: retention, Tombstones: max(h.Tombstones, tombstones)}, nil
}

// boundary is the newest commit boundary at or before a version that can be told:
// above the retention floor from the log, below it from the last list.
func (v view) boundary(topic store.Topic, h head, at topics.Version) (topics.Version, error) {
	if at <= h.Tombstones || at == h.Retention || at == h.Version {
		return at, nil
	}
	kind, floor := byte(kindLog), h.Retention
	if at < h.Retention {
		kind, floor = kindLast, h.Tombstones
	}
	prefix := dataPrefix(topic, h.birth)
	opts := bdg.IteratorOptions{Prefix: append(slices.Clip(prefix), kind), Reverse: true}
	it := v.txn.NewIterator(opts)
	defer it.Close()
	for it.Seek(appendVersion(prefix, kind, at)); it.ValidForPrefix(opts.Prefix); it.Next() {
		var e store.Event
		key := it.Item().Key()
		if versionOf(key) <= floor {
			break
		}
		if err := it.Item().Value(func(record []byte) (err error) {
			e, err = decodeEvent(key, record)
			return err
		}); err != nil {
			return 0, v.s.damaged(topic, versionOf(key), err.Error())
		}
		if e.End <= at {
			return e.End, nil
		}
	}
	return floor, nil
}

// removeBelow removes the log below the retention floor and the tombstones below
// theirs, and then notes in the head how far it came.
func (s *Store) removeBelow(ctx context.Context, topic store.Topic, birth uint64) error {
	var r removal
	for !r.done {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.ending() {
			return store.ErrClosed
		}
		err := s.do(topic, func(v view) (*job, error) {
			h, err := v.head(topic)
			if err != nil || h.birth != birth {
				r.done = true
				return nil, err
			}
			return r.step(v, topic, h)
		})
		if err != nil {
			return err
		}
		if !r.done {
			s.pause()
		}
	}
	return nil
}

// removal is how far one Compact has come.
type removal struct {
	log, tombstones topics.Version // removed up to here by this call
	done            bool
}

// step removes the next few records. The head's swept marks move when all is done.
func (r *removal) step(v view, topic store.Topic, h head) (*job, error) {
	if h.swept == h.Retention && h.sweptTombstones == h.Tombstones {
		r.done = true
		return nil, nil
	}
	r.log, r.tombstones = max(r.log, h.swept), max(r.tombstones, h.sweptTombstones)
	prefix, j, looked := dataPrefix(topic, h.birth), &job{}, 0
	room := func() bool { looked++; return len(j.writes) < sweepKeys && looked < sweepLooks }
	logDone, err := v.removeLog(j, prefix, &r.log, h.Retention, room)
	if err != nil || !logDone {
		return j, err
	}
	tombstonesDone, err := v.removeTombstones(topic, j, prefix, &r.tombstones, h.Tombstones, room)
	if err != nil || !tombstonesDone {
		return j, err
	}
	h.swept, h.sweptTombstones, r.done = h.Retention, h.Tombstones, true
	j.head = &h
	return j, nil
}

// removeLog drops log records after *from up to floor while there is room, and
// reports whether that was all.
func (v view) removeLog(j *job, prefix []byte, from *topics.Version, floor topics.Version, room func() bool) (bool, error) {
	return v.below(prefix, kindLog, from, floor, room, func(key []byte, _ *bdg.Item) error {
		j.writes = append(j.writes, write{key: append([]byte(nil), key...)})
		return nil
	})
}

// removeTombstones drops tombstones, and their entities from the index.
func (v view) removeTombstones(topic store.Topic, j *job, prefix []byte, from *topics.Version, floor topics.Version, room func() bool) (bool, error) {
	return v.below(prefix, kindLast, from, floor, room, func(key []byte, item *bdg.Item) error {
		return item.Value(func(record []byte) error {
			e, err := decodeEvent(key, record)
			if err != nil {
				return v.s.damaged(topic, versionOf(key), err.Error())
			}
			if e.Kind != store.KindTombstone {
				return nil
			}
			j.writes = append(j.writes,
				write{key: append([]byte(nil), key...)},
				write{key: appendEntity(slices.Clip(prefix), e.EntityID)})
			return nil
		})
	})
}

// below calls use for the records of a kind after *from up to floor, while there is
// room, moves *from along, and reports whether that was all.
func (v view) below(prefix []byte, kind byte, from *topics.Version, floor topics.Version, room func() bool, use func([]byte, *bdg.Item) error) (bool, error) {
	base := slices.Clip(prefix)
	all := true
	err := v.scan(append(base, kind), appendVersion(base, kind, *from+1), func(key []byte, item *bdg.Item) (bool, error) {
		if versionOf(key) > floor {
			return false, nil
		}
		if !room() {
			all = false
			return false, nil
		}
		if err := use(key, item); err != nil {
			return false, fmt.Errorf("compacting: %w", err)
		}
		*from = versionOf(key)
		return true, nil
	})
	return all, err
}
