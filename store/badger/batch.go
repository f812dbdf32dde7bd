package badger

import (
	"errors"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
)

// batch builds the transaction of one group.
type batch struct {
	s      *Store
	v      view
	txn    *bdg.Txn
	number uint64
	sum    uint64
	dirty  bool
	heads  map[store.Topic]head // heads after the requests so far
}

func newBatch(s *Store, v view) *batch {
	return &batch{
		s: s, v: v, number: s.newest + 1, sum: s.sum,
		txn: s.db.NewTransactionAt(s.newest, true), heads: make(map[store.Topic]head),
	}
}

// head is the topic's head after the requests so far.
func (b *batch) head(topic store.Topic) (head, error) {
	if h, ok := b.heads[topic]; ok {
		return h, nil
	}
	return b.v.head(topic)
}

// add checks a request and puts its writes into the transaction.
func (b *batch) add(r *request) error {
	if r.alone != nil {
		return b.addJob(r)
	}
	now, err := b.head(r.topic)
	if err != nil {
		return err
	}
	if now.Position != r.commit.Prev || now.moved != r.base.moved {
		return store.ErrConflict
	}
	next := r.next
	next.Floors, next.swept, next.sweptTombstones = now.Floors, now.swept, now.sweptTombstones
	next.hash, next.moved = now.hash, b.number
	if next.birth == 0 {
		next.birth = b.number
		next.Epoch = b.s.incarnation.Of(r.topic, b.number)
		r.encode(b.number)
	}
	if r.bytes > maxRequestBytes {
		return store.ErrTooLarge
	}
	if err := b.write(r.writes); err != nil {
		return err
	}
	if err := b.setHead(r.topic, next); err != nil {
		return err
	}
	r.result, r.birth = next.Head, next.birth
	return nil
}

// write puts writes into the transaction. A failure here leaves it with half of a
// request, so the whole group fails in finish.
func (b *batch) write(writes []write) error {
	b.dirty = b.dirty || len(writes) > 0
	for _, w := range writes {
		var err error
		if w.value == nil {
			err = b.txn.Delete(w.key)
		} else {
			err = b.txn.SetEntry(bdg.NewEntry(w.key, w.value))
		}
		if err != nil {
			b.number = 0
			return err
		}
	}
	return nil
}

// setHead makes next the topic's head, in the transaction and in the sum.
func (b *batch) setHead(topic store.Topic, next head) error {
	key := headKey(topic)
	record := next.encode(key)
	b.sum -= next.hash
	next.hash = headHash(key, record)
	b.sum += next.hash
	next.changed = b.number
	b.heads[topic] = next
	return b.write([]write{{key: key, value: record}})
}

var errHalf = errors.New("a request did not fit into the transaction")

// finish adds the commit record, which every transaction carries.
func (b *batch) finish() error {
	if b.number == 0 {
		return errHalf
	}
	return b.write([]write{commitRecord(b.number, b.sum)})
}

// publish lets the next group and the readers find the new heads.
func (b *batch) publish() {
	for topic, h := range b.heads {
		b.s.heads.Add(topic, h)
	}
}
