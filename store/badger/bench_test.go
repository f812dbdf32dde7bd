package badger_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/topics"
)

const payloadBytes = 256

// topicWriter appends to one topic the way the engine does: the mutations that
// wait become one commit of puts, with the outcomes of their lanes.
type topicWriter struct {
	s     store.Store
	topic store.Topic
	head  store.Head
	at    map[string]topics.Version
	seq   uint64
	json  []byte
}

func newTopicWriter(b testing.TB, s store.Store, n int) *topicWriter {
	topic := store.Topic{Tenant: "bench", Name: topics.Name(fmt.Sprint("list:", n))}
	head, err := s.Head(context.Background(), topic)
	if err != nil {
		b.Fatal(err)
	}
	return &topicWriter{
		s: s, topic: topic, head: head, at: map[string]topics.Version{},
		json: []byte(`{"payload":"` + strings.Repeat("x", payloadBytes) + `"}`),
	}
}

var lanesOfBench = store.LaneKey{User: "user-1", Client: "client-1"}

// commit appends one commit of so many mutations.
func (w *topicWriter) commit(mutations int) error {
	c := store.Commit{Prev: w.head.Position, Millis: 1_700_000_000_000}
	for range mutations {
		w.seq++
		v := w.head.Version + topics.Version(len(c.Events)) + 1
		id := fmt.Sprint("row-", w.seq%100)
		c.Events = append(c.Events, store.Event{
			Version: v, End: v, Kind: store.KindRow, EntityID: id, Replaces: w.at[id], JSON: w.json,
			Data: store.Span{Start: 1, End: 20}, Payload: store.Span{Start: 11, End: 20}, Millis: c.Millis,
		})
		w.at[id] = v
		c.Outcomes = append(c.Outcomes, store.LaneOutcome{
			Lane: lanesOfBench, Outcome: topics.Outcome{Seq: w.seq, Hash: w.seq, Status: topics.StatusApplied, Version: v, Millis: c.Millis},
		})
	}
	head, err := w.s.Append(context.Background(), w.topic, c)
	if err == nil {
		w.head = head
	}
	return err
}

// BenchmarkAppend counts durable mutations. writers/topics/each: 64 topics with two
// mutations per commit are 128 writers on 64 topics, since a topic has one commit
// in flight and its mutations share it.
func BenchmarkAppend(b *testing.B) {
	for _, shape := range []struct{ topics, each int }{{1, 1}, {64, 2}, {128, 1}, {1, 128}} {
		b.Run(fmt.Sprintf("topics=%d/each=%d", shape.topics, shape.each), func(b *testing.B) {
			s := open(b, badger.Options{Dir: b.TempDir()})
			defer s.Close()
			writers := make([]*topicWriter, shape.topics)
			for i := range writers {
				writers[i] = newTopicWriter(b, s, i)
			}
			b.ReportAllocs()
			b.ResetTimer()
			inParallel(b, len(writers), shape.each, func(i int) error { return writers[i].commit(shape.each) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mutations/s")
		})
	}
}

// BenchmarkBareBadger is what Append is measured against: Badger with SyncWrites,
// one Update per mutation, the same records.
func BenchmarkBareBadger(b *testing.B) {
	for _, writers := range []int{1, 128} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			opts := bdg.DefaultOptions(b.TempDir()).WithSyncWrites(true).WithLogger(nil).WithDetectConflicts(false)
			db, err := bdg.Open(opts)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			var n atomic.Uint64
			value := make([]byte, payloadBytes+64)
			b.ReportAllocs()
			b.ResetTimer()
			inParallel(b, writers, 1, func(int) error { return bareMutation(db, n.Add(1), value) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mutations/s")
		})
	}
}

// bareMutation writes what one mutation writes: an event in the log and in the last
// list, the entity's index, the lane's outcome, the head.
func bareMutation(db *bdg.DB, n uint64, value []byte) error {
	key := func(kind byte, n uint64) []byte {
		return binary.BigEndian.AppendUint64(append([]byte("dbench\x00list:12\x00--------"), kind), n)
	}
	return db.Update(func(txn *bdg.Txn) error {
		for _, w := range []struct {
			key, value []byte
		}{
			{key('e', n), value},
			{key('l', n), value},
			{key('r', n%100), value[:8]},
			{key('o', n%64), value[:32]},
			{key('h', n%64), value[:64]},
		} {
			if err := txn.Set(w.key, w.value); err != nil {
				return err
			}
		}
		if n < 100 {
			return nil
		}
		return txn.Delete(key('l', n-100))
	})
}

// inParallel shares b.N mutations, each at a time, among writers.
func inParallel(b *testing.B, writers, each int, do func(writer int) error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for left.Add(-int64(each)) > -int64(each) {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

const scanRows = 10_000

// BenchmarkLast reads a last list of 10,000 rows in pages of 64 KiB.
func BenchmarkLast(b *testing.B) {
	s := open(b, badger.Options{Dir: b.TempDir()})
	w := newTopicWriter(b, s, 0)
	for n := 0; n < scanRows; n += 500 {
		c := store.Commit{Prev: w.head.Position, Millis: 1}
		for i := range 500 {
			v := w.head.Version + topics.Version(i) + 1
			c.Events = append(c.Events, store.Event{Version: v, End: v, Kind: store.KindRow, EntityID: fmt.Sprint("row-", n+i), JSON: w.json})
		}
		var err error
		if w.head, err = s.Append(b.Context(), w.topic, c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := countLast(b, s, w.topic); n != scanRows {
			b.Fatalf("%d rows", n)
		}
	}
}

func countLast(b *testing.B, s store.Store, topic store.Topic) int {
	n, after, at := 0, topics.Version(0), store.Timestamp(0)
	for {
		page, err := s.Last(b.Context(), topic, after, at, store.Budget{Bytes: 64 << 10})
		if err != nil {
			b.Fatal(err)
		}
		n += len(page.Events)
		if !page.More {
			return n
		}
		after, at = page.Events[len(page.Events)-1].Version, page.At
	}
}

// BenchmarkBareIteration is what Last is measured against: one iterator of Badger
// over as many values, each copied.
func BenchmarkBareIteration(b *testing.B) {
	opts := bdg.DefaultOptions(b.TempDir()).WithLogger(nil)
	db, err := bdg.Open(opts)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	batch := db.NewWriteBatch()
	for n := range scanRows {
		key := binary.BigEndian.AppendUint64([]byte("dbench\x00list:0\x00--------l"), uint64(n))
		if err := batch.Set(key, make([]byte, payloadBytes+64)); err != nil {
			b.Fatal(err)
		}
	}
	if err := batch.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		txn := db.NewTransaction(false)
		it := txn.NewIterator(bdg.IteratorOptions{})
		n := 0
		for it.Rewind(); it.Valid(); it.Next() {
			if _, err := it.Item().ValueCopy(nil); err != nil {
				b.Fatal(err)
			}
			n++
		}
		it.Close()
		txn.Discard()
		if n != scanRows {
			b.Fatalf("%d rows", n)
		}
	}
}
