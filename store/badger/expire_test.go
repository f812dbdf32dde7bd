package badger

import (
	"fmt"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Lanes go 90 days after their last use, all slots at once; keys stay as long as
// there are few. Compact is what looks, at most once an hour per topic.
func TestOldOutcomesExpire_P9(t *testing.T) {
	now := smallClock()
	s := openAt(t, Options{Dir: t.TempDir(), Clock: func() time.Time { return now }})
	topic := fixtureTopic(0)
	lane := func(n int) store.LaneKey { return store.LaneKey{User: "u", Client: fmt.Sprint("c", n)} }
	decide := func(n int, seqs ...uint64) {
		t.Helper()
		h, err := s.Head(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		c := store.Commit{Prev: h.Position}
		for _, seq := range seqs {
			o := topics.Outcome{Seq: seq, Status: topics.StatusApplied, Millis: now.UnixMilli()}
			c.Outcomes = append(c.Outcomes, store.LaneOutcome{Lane: lane(n), Outcome: o})
			o.Seq = 0
			c.Keys = append(c.Keys, store.KeyOutcome{Key: store.IdempotencyKey{User: "u", Key: fmt.Sprint(n, "-", seq)}, Outcome: o})
		}
		if _, err := s.Append(t.Context(), topic, c); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(n int) int {
		t.Helper()
		l, err := s.Lane(t.Context(), topic, lane(n))
		if err != nil {
			t.Fatal(err)
		}
		return len(l.Outcomes)
	}
	compact := func() {
		t.Helper()
		if err := s.Compact(t.Context(), topic, store.Floors{}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		decide(n, 1, 2, 3)
	}
	now = now.Add(LaneLife - time.Hour)
	decide(1, 4)
	compact()
	if kept(0) != 3 || kept(1) != 4 {
		t.Fatal("a lane went before its life was over")
	}
	now = now.Add(expireEvery + time.Minute)
	compact()
	if kept(0) != 0 || kept(1) != 4 || kept(2) != 0 {
		t.Errorf("kept %d, %d, %d outcomes; want 0, 4, 0", kept(0), kept(1), kept(2))
	}
	if _, ok, err := s.Key(t.Context(), topic, store.IdempotencyKey{User: "u", Key: "0-1"}); err != nil || !ok {
		t.Errorf("a key went although there are few: %v, %v", ok, err)
	}
	decide(0, 1) // the client began a new lane under the old name
	if kept(0) != 1 {
		t.Error("a lane does not begin again")
	}
}

// A run over the last list that lost a row is found out at its end, however it is
// paged (P12).
func TestRunsAreProven_P12(t *testing.T) {
	s := openAt(t, Options{Dir: t.TempDir()})
	topic := fixtureTopic(0)
	for i := range 9 {
		putRow(t, s, topic, fmt.Sprint("e", i), "v")
	}
	h, err := s.viewAt(s.newest).head(topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.do(topic, func(view) (*job, error) {
		return &job{writes: []write{{key: appendVersion(dataPrefix(topic, h.birth), kindLast, 4)}}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, events := range []int{0, 1, 3, 8} {
		after, at := topics.Version(0), store.Timestamp(0)
		for {
			page, err := s.Last(t.Context(), topic, after, at, store.Budget{Events: events})
			var damage *store.DamageError
			if asDamage(err, &damage) {
				break
			}
			if err != nil || !page.More {
				t.Fatalf("in pages of %d the run ended without the row: %v", events, err)
			}
			after, at = page.Events[len(page.Events)-1].Version, page.At
		}
		s.quarantine.clear()
	}
}
