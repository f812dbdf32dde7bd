package badger

import (
	"errors"
	"fmt"
	"slices"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// view reads the store as of one commit. It belongs to one goroutine, which closes it.
type view struct {
	s   *Store
	ts  uint64
	txn *bdg.Txn
}

// viewAt opens a view as of commit ts.
func (s *Store) viewAt(ts uint64) view {
	return view{s: s, ts: ts, txn: s.db.NewTransactionAt(ts, false)}
}

func (v view) close() { v.txn.Discard() }

// get calls use with the record under key; it reports whether there is one.
func (v view) get(key []byte, use func(record []byte) error) (bool, error) {
	item, err := v.txn.Get(key)
	if errors.Is(err, bdg.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: reading: %w", err)
	}
	return true, item.Value(use)
}

// head is the topic's head as of the view. It may come from the cache, where the
// committer keeps the newest of the topics that are written to.
func (v view) head(topic store.Topic) (head, error) {
	if h, ok := v.s.heads.Get(topic); ok && h.changed <= v.ts {
		return h, nil
	}
	h, _, err := v.storedHead(topic)
	return h, err
}

// storedHead is the head as Badger has it, and the key it lies under.
func (v view) storedHead(topic store.Topic) (head, []byte, error) {
	key := headKey(topic)
	item, err := v.txn.Get(key)
	if errors.Is(err, bdg.ErrKeyNotFound) {
		return genesisHead(v.s.incarnation, topic, 0), key, nil
	}
	if err != nil {
		return head{}, key, fmt.Errorf("store: reading a head: %w", err)
	}
	var h head
	err = item.Value(func(record []byte) error {
		h, err = decodeHead(v.s.incarnation, topic, key, record)
		return err
	})
	if err != nil {
		return head{}, key, v.s.damaged(topic, 0, "its head: "+err.Error())
	}
	h.changed = item.Version()
	return h, key, nil
}

// entry is what the index knows of an entity.
func (v view) entry(topic store.Topic, prefix []byte, entityID string) (entry, error) {
	key := appendEntity(slices.Clip(prefix), entityID)
	var found entry
	_, err := v.get(key, func(record []byte) (err error) {
		found, err = decodeEntry(key, record)
		return err
	})
	if err != nil {
		return entry{}, v.s.damaged(topic, 0, fmt.Sprintf("the index of entity %q: %v", entityID, err))
	}
	return found, nil
}

// newestEntry is entry, from the cache if that can tell.
func (v view) newestEntry(topic store.Topic, birth uint64, prefix []byte, entityID string) (entry, error) {
	if e, ok := v.s.entries.find(topic, birth, entityID, v.ts); ok {
		return e, nil
	}
	return v.entry(topic, prefix, entityID)
}

// event is the event under a key of kindLog or kindLast.
func (v view) event(topic store.Topic, prefix []byte, kind byte, version topics.Version) (store.Event, bool, error) {
	key := appendVersion(slices.Clip(prefix), kind, version)
	var e store.Event
	ok, err := v.get(key, func(record []byte) (err error) {
		e, err = decodeEvent(key, record)
		return err
	})
	if err != nil {
		return store.Event{}, false, v.s.damaged(topic, version, err.Error())
	}
	return e, ok, nil
}

// scan walks the records whose keys begin with prefix, from one on, until use says
// stop. What use gets is valid only during the call.
func (v view) scan(prefix, from []byte, use func(key []byte, item *bdg.Item) (bool, error)) error {
	opts := bdg.IteratorOptions{Prefix: prefix}
	it := v.txn.NewIterator(opts)
	defer it.Close()
	for it.Seek(from); it.ValidForPrefix(prefix); it.Next() {
		item := it.Item()
		more, err := use(item.Key(), item)
		if err != nil || !more {
			return err
		}
	}
	return nil
}
