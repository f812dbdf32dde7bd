package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Report is what Check found.
type Report struct {
	Topics, Events, Rows int64
	Damage               []*store.DamageError // at most maxReported; one per topic
	Orphans              []string             // incarnations that no head and no deletion knows, as topic@birth
}

// maxReported bounds each list of a Report.
const maxReported = 1000

// Check walks the store and proves its rules, each topic as of the moment it comes
// to it: every checksum, logs without a hole, last list and index in agreement,
// counts and digests as the heads say. Damaged topics go into quarantine. It reads
// everything; writes go on.
func (s *Store) Check(ctx context.Context) (Report, error) {
	var r Report
	if err := s.enter(ctx); err != nil {
		return r, err
	}
	defer s.life.RUnlock()
	err := s.eachHead(ctx, func(v view, topic store.Topic, h head, err error) error {
		if err != nil || h.birth != 0 {
			r.Topics++
		}
		c := checker{view: v, topic: topic, head: h, prefix: dataPrefix(topic, h.birth)}
		if err == nil {
			err = c.all()
		}
		r.Events, r.Rows = r.Events+c.events, r.Rows+c.rows
		var damage *store.DamageError
		if asDamageError(err, &damage) {
			if len(r.Damage) < maxReported {
				r.Damage = append(r.Damage, damage)
			}
			return nil
		}
		return err
	})
	if err != nil {
		return r, err
	}
	return r, s.eachOrphan(func(topic store.Topic, birth uint64) {
		if len(r.Orphans) < maxReported {
			r.Orphans = append(r.Orphans, fmt.Sprintf("%s@%d", topic, birth))
		}
	})
}

// eachHead calls use for every topic, each with a view of its own: one that is held
// longer than RunLife may lose what it shows. A head that cannot be read comes with
// its error.
func (s *Store) eachHead(ctx context.Context, use func(view, store.Topic, head, error) error) error {
	prefix := []byte{spaceHead}
	from := prefix
	for from != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.ending() {
			return store.ErrClosed
		}
		if err := s.nextHead(prefix, &from, use); err != nil {
			return err
		}
	}
	return nil
}

// nextHead handles the first head at or after *from and moves it past that one; nil
// when there is none.
func (s *Store) nextHead(prefix []byte, from *[]byte, use func(view, store.Topic, head, error) error) error {
	v := s.viewAt(s.durable.Load())
	defer v.close()
	var key []byte
	if err := v.scan(prefix, *from, func(k []byte, _ *bdg.Item) (bool, error) {
		key = bytes.Clone(k)
		return false, nil
	}); err != nil || key == nil {
		*from = nil
		return err
	}
	*from = append(bytes.Clone(key), 0)
	topic, rest, err := topicOf(key)
	if err != nil || len(rest) != 0 {
		return fmt.Errorf("store: head key %q names no topic", key)
	}
	h, _, err := v.storedHead(topic)
	return use(v, topic, h, err)
}

// errOutlived is a check that took longer than its view is trusted.
var errOutlived = errors.New("the topic took too long to be read through")

// checker proves the rules of one topic.
type checker struct {
	view
	topic  store.Topic
	head   head
	prefix []byte
	until  time.Time // when the view is trusted no longer; zero: it always is

	events, rows int64
	digest       uint64
	entries      int64 // of the last list
}

func (c *checker) all() error {
	for _, check := range []func() error{c.floors, c.log, c.last, c.counts, c.index, c.lanes, c.keys} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) damage(version topics.Version, format string, args ...any) error {
	return c.s.damaged(c.topic, version, fmt.Sprintf(format, args...))
}

func (c *checker) floors() error {
	h := c.head
	if h.Tombstones > h.Retention || h.Retention > h.Version || h.swept > h.Retention || h.sweptTombstones > h.Tombstones {
		return c.damage(0, "its floors %+v are not in order below version %d", h.Floors, h.Version)
	}
	return nil
}

// each calls use with every record of a kind.
func (c *checker) each(kind byte, after topics.Version, use func(key, record []byte) error) error {
	prefix := append(slices.Clone(c.prefix), kind)
	from := prefix
	if after > 0 {
		from = appendVersion(slices.Clone(c.prefix), kind, after+1)
	}
	return c.scan(prefix, from, func(key []byte, item *bdg.Item) (bool, error) {
		if !c.until.IsZero() && time.Now().After(c.until) {
			return false, errOutlived
		}
		return true, item.Value(func(record []byte) error { return use(key, record) })
	})
}

// log is contiguous from the retention floor to the head, and counts its customs.
func (c *checker) log() error {
	want, last := c.head.Retention, store.Event{}
	err := c.each(kindLog, want, func(key, record []byte) error {
		want++
		e, err := decodeEvent(key, record)
		switch {
		case err != nil:
			return c.damage(versionOf(key), "%v", err)
		case e.Version != want:
			return c.damage(want, "the log goes on with version %d", e.Version)
		case e.End < e.Version || e.End > c.head.Version:
			return c.damage(want, "its commit ends at %d, the head is at %d", e.End, c.head.Version)
		}
		c.events++
		last = e
		return nil
	})
	switch {
	case err != nil:
		return err
	case want != c.head.Version:
		return c.damage(want+1, "the log ends there, but the head is at %d", c.head.Version)
	case last.Version != 0 && last.Customs != c.head.Customs:
		return c.damage(last.Version, "it counts %d custom events, the head %d", last.Customs, c.head.Customs)
	}
	return nil
}

// last agrees with the index, and with the log where that still is.
func (c *checker) last() error {
	return c.each(kindLast, 0, func(key, record []byte) error {
		e, err := decodeEvent(key, record)
		if err != nil {
			return c.damage(versionOf(key), "%v", err)
		}
		at, err := c.entry(c.topic, c.prefix, e.EntityID)
		switch {
		case err != nil:
			return err
		case e.Version > c.head.Version || e.Kind == store.KindCustom:
			return c.damage(e.Version, "the last list has it, but the head is at %d", c.head.Version)
		case at.version != e.Version || at.kind != e.Kind:
			return c.damage(e.Version, "the index of entity %q points to %d", e.EntityID, at.version)
		case e.Kind == store.KindTombstone && e.Version <= c.head.sweptTombstones:
			return c.damage(e.Version, "a tombstone below the floor %d", c.head.Tombstones)
		}
		c.entries++
		if e.Kind == store.KindRow {
			c.rows++
			c.digest += rowHash(e.EntityID, e.Version)
		}
		return c.sameInLog(e)
	})
}

func (c *checker) sameInLog(e store.Event) error {
	if e.Version <= c.head.Retention {
		return nil
	}
	logged, ok, err := c.event(c.topic, c.prefix, kindLog, e.Version)
	if err != nil {
		return err
	}
	if !ok || !bytes.Equal(logged.JSON, e.JSON) || logged.EntityID != e.EntityID {
		return c.damage(e.Version, "the log and the last list differ")
	}
	return nil
}

func (c *checker) counts() error {
	if c.rows != c.head.Rows || c.digest != c.head.digest {
		return c.damage(0, "it has %d rows with digest %x; its head says %d and %x", c.rows, c.digest, c.head.Rows, c.head.digest)
	}
	return nil
}

// index has as many entities as the last list: with last, that makes them one to one.
func (c *checker) index() error {
	var n int64
	err := c.each(kindEntity, 0, func(key, record []byte) error {
		n++
		if _, err := decodeEntry(key, record); err != nil {
			return c.damage(0, "the index: %v", err)
		}
		return nil
	})
	if err == nil && n != c.entries {
		return c.damage(0, "the index has %d entities, the last list %d", n, c.entries)
	}
	return err
}

// lanes keep the law of their rings.
func (c *checker) lanes() error {
	var lane string
	var outcomes []topics.Outcome
	flush := func() error {
		_, err := orderLane(c.s, c.topic, store.LaneKey{Client: lane}, outcomes)
		outcomes = outcomes[:0]
		return err
	}
	err := c.each(kindOutcome, 0, func(key, record []byte) error {
		if name := string(key[:len(key)-1]); name != lane {
			if err := flush(); err != nil {
				return err
			}
			lane = name
		}
		o, err := decodeOutcome(key, kindOutcome, record)
		if err != nil {
			return c.damage(0, "an outcome: %v", err)
		}
		outcomes = append(outcomes, o)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func (c *checker) keys() error {
	return c.each(kindKey, 0, func(key, record []byte) error {
		if _, err := decodeOutcome(key, kindKey, record); err != nil {
			return c.damage(0, "the outcome of a key: %v", err)
		}
		return nil
	})
}

// eachOrphan calls use for every incarnation that has records, but neither a head
// nor a garbage record.
func (s *Store) eachOrphan(use func(topic store.Topic, birth uint64)) error {
	for from := []byte{spaceData}; from != nil; {
		topic, birth, orphan, err := s.nextIncarnation(&from)
		if err != nil {
			return err
		}
		if orphan {
			use(topic, birth)
		}
	}
	return nil
}

// nextIncarnation looks at the first incarnation at or after *from and moves it past
// that one; nil when there is none. It reports whether it is an orphan.
func (s *Store) nextIncarnation(from *[]byte) (topic store.Topic, birth uint64, orphan bool, err error) {
	v := s.viewAt(s.durable.Load())
	defer v.close()
	var key []byte
	if err := v.scan([]byte{spaceData}, *from, func(k []byte, _ *bdg.Item) (bool, error) {
		key = bytes.Clone(k)
		return false, nil
	}); err != nil || key == nil {
		*from = nil
		return topic, 0, false, err
	}
	topic, rest, err := topicOf(key)
	if err != nil || len(rest) < versionBytes {
		return topic, 0, false, fmt.Errorf("store: data key %q names no topic", key)
	}
	birth = uint64(versionOf(rest[:versionBytes]))
	*from = dataPrefix(topic, birth+1)
	known, err := v.knows(topic, birth)
	return topic, birth, !known, err
}

// knows reports whether a head or a garbage record names the incarnation.
func (v view) knows(topic store.Topic, birth uint64) (bool, error) {
	if h, _, err := v.storedHead(topic); err == nil && h.birth == birth {
		return true, nil
	}
	return v.get(garbageKey(topic, birth), func([]byte) error { return nil })
}
