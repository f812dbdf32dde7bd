package badger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// anyOwner is the identity of every file: tests copy directories.
func anyOwner(*os.File) (fileID, error) { return fileID{Inode: 1, Birth: 1}, nil }

func openAt(t testing.TB, opts Options) *Store {
	t.Helper()
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var lane1 = store.LaneKey{User: "u", Client: "c"}

func fixtureTopic(n int) store.Topic {
	return store.Topic{Tenant: "default", Name: topics.Name(fmt.Sprint("list:", n))}
}

// row makes a commit of one row and its outcome, on a topic's present state.
func row(s *Store, topic store.Topic, id, value string) (store.Commit, error) {
	ctx := context.Background()
	h, err := s.Head(ctx, topic)
	if err != nil {
		return store.Commit{}, err
	}
	old, _, err := s.Row(ctx, topic, id)
	if err != nil {
		return store.Commit{}, err
	}
	lane, err := s.Lane(ctx, topic, lane1)
	if err != nil {
		return store.Commit{}, err
	}
	v := h.Version + 1
	e := store.Event{
		Version: v, End: v, Kind: store.KindRow, EntityID: id, Replaces: old.Version,
		JSON: []byte(fmt.Sprintf("{%q:%d,%q:%q}", "version", v, "payload", value)), Millis: int64(v),
	}
	if value == "" {
		e.Kind = store.KindTombstone
	}
	o := topics.Outcome{Seq: lane.Last() + 1, Hash: uint64(v), Status: topics.StatusApplied, Version: v, Millis: 1}
	return store.Commit{
		Prev: h.Position, Events: []store.Event{e}, Millis: int64(v),
		Outcomes: []store.LaneOutcome{{Lane: lane1, Outcome: o}},
		Keys:     []store.KeyOutcome{{Key: store.IdempotencyKey{User: "u", Key: fmt.Sprint("k", v)}, Outcome: topics.Outcome{Hash: 1, Status: topics.StatusApplied, Version: v}}},
	}, nil
}

func putRow(t testing.TB, s *Store, topic store.Topic, id, value string) store.Head {
	t.Helper()
	c, err := row(s, topic, id, value)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Append(context.Background(), topic, c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const fixtureTopics = 5

// deletedTopic has a head and nothing else.
var deletedTopic = fixtureTopic(fixtureTopics)

// fill writes a little of everything: rows, updates, tombstones, lanes, keys, a
// compacted topic, a deleted one, a deleted and recreated one.
func fill(t testing.TB, s *Store) {
	t.Helper()
	for n := range fixtureTopics {
		for i := range 30 {
			value := fmt.Sprintf("value %d of %s", i, strings.Repeat("x", 40*n))
			if i%9 == 8 {
				value = ""
			}
			putRow(t, s, fixtureTopic(n), fmt.Sprint("e", i%7), value)
		}
	}
	if err := s.Compact(t.Context(), fixtureTopic(1), store.Floors{Retention: 20, Tombstones: 10}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), fixtureTopic(2)); err != nil {
		t.Fatal(err)
	}
	putRow(t, s, fixtureTopic(2), "again", "new")
	putRow(t, s, deletedTopic, "e1", "gone")
	if err := s.Delete(t.Context(), deletedTopic); err != nil {
		t.Fatal(err)
	}
	s.sweeper.wait()
}

// dump is everything the store answers about the fixture, by call. Damage is the
// answer "damaged", anything else that fails is its error.
func dump(s *Store) map[string]string {
	ctx, all := context.Background(), map[string]string{}
	say := func(call string, answer any, err error) {
		var damage *store.DamageError
		switch {
		case asDamage(err, &damage):
			all[call] = "damaged"
		case err != nil:
			all[call] = "error: " + err.Error()
		default:
			all[call] = fmt.Sprintf("%+v", answer)
		}
	}
	gone, err := s.Head(ctx, deletedTopic)
	say(fmt.Sprint(deletedTopic, " head"), gone, err)
	for n := range fixtureTopics {
		topic := fixtureTopic(n)
		at := func(call string) string { return fmt.Sprint(topic, " ", call) }
		h, err := s.Head(ctx, topic)
		say(at("head"), h, err)
		page, err := s.Read(ctx, topic, h.Retention, store.Budget{})
		say(at("read"), page.Events, err)
		page, err = s.Last(ctx, topic, 0, 0, store.Budget{})
		say(at("last"), page.Events, err)
		for i := range 7 {
			id := fmt.Sprint("e", i)
			e, ok, err := s.Row(ctx, topic, id)
			say(at(id), fmt.Sprint(e, ok), err)
		}
		lane, err := s.Lane(ctx, topic, lane1)
		say(at("lane"), fmt.Sprintf("%+v", lane), err)
		for v := 1; v <= 30; v += 7 {
			key := fmt.Sprint("k", v)
			o, ok, err := s.Key(ctx, topic, store.IdempotencyKey{User: "u", Key: key})
			say(at(key), fmt.Sprint(o, ok), err)
		}
	}
	return all
}

// copyDir copies a store's directory; what is zero at the end of a file stays sparse.
func copyDir(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		return copyFile(path, filepath.Join(to, rel))
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, io.LimitReader(in, usedBytes(in, st.Size()))); err != nil {
		return err
	}
	return out.Truncate(st.Size())
}

// usedBytes is where a file's last byte that is not zero ends.
func usedBytes(f *os.File, size int64) int64 {
	const step = 1 << 20
	used, buf := int64(0), make([]byte, step)
	for at := int64(0); at < size && at < 4*step; at += step { // the fixture is smaller
		n, _ := f.ReadAt(buf, at)
		for i := n - 1; i >= 0; i-- {
			if buf[i] != 0 {
				used = at + int64(i) + 1
				break
			}
		}
	}
	return used
}

// at is where an event of a fixture topic lies.
func at(t testing.TB, s *Store, n int, kind byte, v topics.Version) []byte {
	t.Helper()
	view := s.viewAt(s.durable.Load())
	defer view.close()
	h, err := view.head(fixtureTopic(n))
	if err != nil {
		t.Fatal(err)
	}
	return appendVersion(dataPrefix(fixtureTopic(n), h.birth), kind, v)
}

// spoil changes a record of a fixture topic behind the store's back; nil: it goes.
func spoil(t testing.TB, s *Store, n int, key []byte, how func([]byte) []byte) {
	t.Helper()
	now := s.durable.Load()
	txn := s.db.NewTransactionAt(now, true)
	defer txn.Discard()
	item, err := txn.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	value, err := item.ValueCopy(nil)
	if err != nil {
		t.Fatal(err)
	}
	if value = how(value); value == nil {
		err = txn.Delete(key)
	} else {
		err = txn.Set(key, value)
	}
	if err := errors.Join(err, txn.CommitAt(now, nil)); err != nil {
		t.Fatal(err)
	}
	s.heads.Remove(fixtureTopic(n))
}

func smallClock() time.Time { return time.Unix(1_700_000_000, 0) }

func (s *Store) background() context.Context { return context.Background() }
