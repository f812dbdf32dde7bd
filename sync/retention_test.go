package statesync

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/sync/client"
)

// The floors follow the policy by themselves, rows stay, and cursors below them are
// told what Resume says (P5, P10).
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := Retention{Events: 10, Age: time.Minute, Tombstones: time.Hour}
		disk := memory.New(memory.Options{})
		e := New(Options{Store: disk, Limits: Limits{TailCommits: 2}, Retention: func(string) Retention { return policy }})
		h := &house{t: t, store: disk, engine: e}
		key := store.Topic{Tenant: "default", Name: gifts}
		floors := func() store.Floors {
			synctest.Wait()
			head, err := disk.Head(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			return head.Floors
		}
		old := client.NewReplica()
		h.do(put("g0", `0`), put("gone", `0`))
		first := h.open("alice", FormFrames)
		first.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
		feed(t, old, first.drain())
		first.session.Close()
		h.do(remove("gone"))
		for i := range 30 {
			h.do(put("g1", fmt.Sprint(i)))
		}
		time.Sleep(30 * time.Second)
		if got := floors(); got != (store.Floors{}) {
			t.Errorf("within the policy's minute the floors are %+v", got)
		}
		time.Sleep(45 * time.Second)
		if got, want := floors(), (store.Floors{Retention: 23}); got != want {
			t.Errorf("after it they are %+v, want %+v", got, want)
		}
		resume := func(mode string) *reader {
			s := h.open("alice", FormFrames)
			s.say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":%d,"mode":%q}]}`, old.Position.Epoch, old.Position.Version, mode))
			return s
		}
		resume("every").want(`"subscribed"`, `"reason":"missed","count":21`, `"type":"snapshot"`)
		resume("latest").want(`"subscribed"`, `"from":2,"to":33,"events":[{"version":3,"event":"DELETED"`)
		time.Sleep(2 * time.Hour)
		// The only tombstone was at 3: the floor need not go beyond it.
		if got, want := floors(), (store.Floors{Retention: 23, Tombstones: 3}); got != want {
			t.Errorf("after the tombstones' hour they are %+v, want %+v", got, want)
		}
		back := resume("latest")
		lines := back.drain()
		feed(t, old, lines)
		if got, want := shown(old), h.rows(gifts); got != want || len(lines) != 3 {
			t.Errorf("replica %q, server %q, %d lines", got, want, len(lines))
		}
		policy.Forever = true
		h.do(put("g2", `1`))
		time.Sleep(3 * time.Hour)
		if got := floors(); got.Retention != 23 {
			t.Errorf("a topic kept for ever was compacted to %+v", got)
		}
		if err := e.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// P7: a compaction that the engine has yet to hear of does not hide a deletion from a
// cursor that comes back.
func TestCompactionBeforeTheRun(t *testing.T) {
	h := newHouse(t, Limits{TailCommits: 1})
	h.do(put("gone", `1`), put("g1", `1`))
	replica := client.NewReplica()
	first := h.open("alice", FormFrames)
	first.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	feed(t, replica, first.drain())
	first.session.Close()
	h.do(remove("gone"))
	h.do(put("g1", `2`))
	h.do(put("g1", `3`))
	if err := h.store.Compact(t.Context(), store.Topic{Tenant: "default", Name: gifts}, store.Floors{Retention: 4, Tombstones: 4}); err != nil {
		t.Fatal(err)
	}
	again := h.open("alice", FormFrames)
	again.say(back(replica))
	feed(t, replica, again.drain())
	if got, want := shown(replica), h.rows(gifts); got != want {
		t.Errorf("replica:\n%sserver:\n%s", got, want)
	}
}
