package badger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// mend makes every topic whole again after a loss was accepted. A topic that does
// not keep its rules begins a new incarnation with the rows that are left; its log,
// lanes and keys are gone. Every epoch has changed by then, so clients load again,
// and a resend from before hears expired.
func (s *Store) mend(ctx context.Context) error {
	broken := map[store.Topic]*ruin{}
	if err := s.eachHead(ctx, func(v view, topic store.Topic, h head, err error) error {
		if err == nil {
			c := checker{view: v, topic: topic, head: h, prefix: dataPrefix(topic, h.birth)}
			err = c.all()
		}
		var damage *store.DamageError
		if asDamageError(err, &damage) {
			broken[topic] = &ruin{head: h}
			return nil
		}
		return err
	}); err != nil {
		return err
	}
	if err := s.adoptOrphans(broken); err != nil {
		return err
	}
	for topic, r := range broken {
		if err := s.mendTopic(topic, r); err != nil {
			return err
		}
	}
	s.quarantine.clear()
	return nil
}

// ruin is what is left of a topic that does not keep its rules.
type ruin struct {
	head   head     // as far as it is known; its birth says where the records are
	orphan []uint64 // further incarnations nothing points to: swept
}

// adoptOrphans finds incarnations that nothing points to. A topic that lost its head
// takes the newest for its own; all others are garbage that lost its record.
func (s *Store) adoptOrphans(broken map[store.Topic]*ruin) error {
	var stray []write
	v := s.viewAt(s.durable.Load())
	defer v.close()
	if err := s.eachOrphan(func(topic store.Topic, birth uint64) {
		r := broken[topic]
		if h, _, err := v.storedHead(topic); r == nil && err == nil && h.birth == 0 && birth > h.buried {
			r = &ruin{head: h}
			broken[topic] = r
		}
		if r == nil || r.head.birth > birth {
			key := garbageKey(topic, birth)
			stray = append(stray, write{key: key, value: seal(key, spaceGarbage)})
			return
		}
		if r.head.birth != 0 {
			r.orphan = append(r.orphan, r.head.birth)
		}
		r.head.birth = birth
	}); err != nil || len(stray) == 0 {
		return err
	}
	return s.do(store.Topic{}, func(view) (*job, error) { return &job{writes: stray}, nil })
}

// mendTopic writes what is left of an incarnation as a new one.
func (s *Store) mendTopic(topic store.Topic, r *ruin) error {
	old := r.head
	v := s.viewAt(s.newest)
	left, version, err := v.remains(topic, old)
	v.close()
	if err != nil {
		return err
	}
	version = max(version, old.Version)
	next := genesisHead(s.incarnation, topic, old.buried)
	if version == 0 { // nothing is left, or there was nothing but the mark of a deletion
		return s.replaceHead(topic, next, r, old, nil)
	}
	next.birth = s.newest + 1
	next.Epoch = s.incarnation.Of(topic, next.birth)
	next.Version, next.Millis, next.Customs = version, old.Millis, old.Customs
	next.Floors = store.Floors{Retention: version, Tombstones: version}
	next.swept, next.sweptTombstones = version, version
	w := writer{prefix: dataPrefix(topic, next.birth)}
	for _, e := range left {
		next.Rows++
		next.digest += rowHash(e.EntityID, e.Version)
		next.Customs = max(next.Customs, e.Customs)
		w.row(e)
		if len(w.buf) > maxGroupBytes {
			if err := s.do(topic, func(view) (*job, error) { return &job{writes: w.writes}, nil }); err != nil {
				return err
			}
			w.buf, w.writes = nil, nil
		}
	}
	s.log.Warn("a topic was mended from what is left", "topic", topic.String(), "rows", next.Rows, "version", uint64(version))
	return s.replaceHead(topic, next, r, old, w.writes)
}

// replaceHead makes next the topic's head, together with writes, and gives the
// incarnations before it to the sweeper.
func (s *Store) replaceHead(topic store.Topic, next head, r *ruin, old head, writes []write) error {
	return s.do(topic, func(v view) (*job, error) {
		now, key, err := v.storedHead(topic)
		if err != nil { // the record is there, but damaged: its hash still counts
			_, err = v.get(key, func(record []byte) error { now.hash = headHash(key, record); return nil })
		}
		next.hash = now.hash
		for _, birth := range append(r.orphan, old.birth) {
			if birth != 0 {
				key := garbageKey(topic, birth)
				writes = append(writes, write{key: key, value: seal(key, spaceGarbage)})
			}
		}
		return &job{head: &next, writes: writes}, err
	})
}

// remains are the rows of an incarnation that can still be read, by version, and
// the newest version any of its records has. Log and last list complete each other.
func (v view) remains(topic store.Topic, h head) ([]store.Event, topics.Version, error) {
	newest, version := map[string]store.Event{}, topics.Version(0)
	c := checker{view: v, topic: topic, head: h, prefix: dataPrefix(topic, h.birth)}
	for _, kind := range []byte{kindLast, kindLog} {
		if err := c.each(kind, 0, func(key, record []byte) error {
			e, err := decodeEvent(key, record)
			version = max(version, versionOf(key))
			if err != nil || e.Kind == store.KindCustom {
				return nil //nolint:nilerr // what cannot be read is what is lost
			}
			e.JSON = bytes.Clone(e.JSON)
			if e.Version > newest[e.EntityID].Version {
				newest[e.EntityID] = e
			}
			return nil
		}); err != nil {
			return nil, 0, err
		}
	}
	maps.DeleteFunc(newest, func(_ string, e store.Event) bool { return e.Kind != store.KindRow })
	return slices.SortedFunc(maps.Values(newest), func(a, b store.Event) int { return cmp.Compare(a.Version, b.Version) }), version, nil
}

// row writes a row to the last list and the index, not to the log.
func (w *writer) row(e store.Event) {
	w.put(func(b []byte) []byte { return appendVersion(b, kindLast, e.Version) }, func(b []byte) []byte { return appendEvent(b, e) })
	w.put(func(b []byte) []byte { return appendEntity(b, e.EntityID) },
		func(b []byte) []byte { return encodeEntry(b, entry{version: e.Version, kind: e.Kind}) })
}

func asDamageError(err error, damage **store.DamageError) bool { return errors.As(err, damage) }
