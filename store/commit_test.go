package store_test

import (
	"errors"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Bounds of a commit: at the bound it passes, one step past it it does not (P9).
func TestCommitBounds_P9(t *testing.T) {
	events := func(n, bytes int) store.Commit {
		c := store.Commit{Prev: topics.Position{Version: 7}}
		for i := range n {
			v := topics.Version(8 + i)
			c.Events = append(c.Events, store.Event{Version: v, End: v, Kind: store.KindRow, EntityID: "a", JSON: make([]byte, bytes)})
		}
		return c
	}
	for what, c := range map[string]struct {
		commit store.Commit
		fits   bool
	}{
		"no events":             {events(0, 0), true},
		"the most events":       {events(store.MaxCommitEvents, 2), true},
		"one event more":        {events(store.MaxCommitEvents+1, 2), false},
		"the largest event":     {events(1, store.MaxEventBytes), true},
		"one byte more":         {events(1, store.MaxEventBytes+1), false},
		"the largest commit":    {events(2, store.MaxCommitBytes/2), true},
		"two bytes more":        {events(2, store.MaxCommitBytes/2+1), false},
		"the last version":      {at(topics.MaxVersion - 1), true},
		"past the last version": {at(topics.MaxVersion), false},
	} {
		err := c.commit.Check()
		if (err == nil) != c.fits {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && !errors.Is(err, store.ErrTooLarge) && !errors.Is(err, store.ErrMalformed) {
			t.Errorf("%s: %v is neither too large nor malformed", what, err)
		}
	}
}

// at is a commit of one event at a position.
func at(v topics.Version) store.Commit {
	return store.Commit{
		Prev:   topics.Position{Version: v},
		Events: []store.Event{{Version: v + 1, End: v + 1, Kind: store.KindCustom, JSON: []byte("{}")}},
	}
}

// Meter: the first event always fits, and a page keeps both bounds.
func TestMeter_P9(t *testing.T) {
	for _, c := range []struct {
		budget store.Budget
		sizes  []int
		want   int
	}{
		{store.Budget{}, []int{5, 5, 5}, 3},
		{store.Budget{Events: 2}, []int{5, 5, 5}, 2},
		{store.Budget{Bytes: 10}, []int{5, 5, 5}, 2},
		{store.Budget{Bytes: 9}, []int{5, 5, 5}, 1},
		{store.Budget{Bytes: 1}, []int{5, 5}, 1},
		{store.Budget{Events: 1, Bytes: 100}, []int{500, 5}, 1},
	} {
		m, taken := store.Meter{Budget: c.budget}, 0
		for _, size := range c.sizes {
			if !m.Take(size) {
				break
			}
			taken++
		}
		if taken != c.want {
			t.Errorf("%+v of %v takes %d; want %d", c.budget, c.sizes, taken, c.want)
		}
	}
}

// A lane keeps the newest outcomes, and With never writes to what others hold.
func TestLane_P3(t *testing.T) {
	var lane store.Lane
	for seq := uint64(1); seq <= topics.MaxInFlight+9; seq++ {
		before := lane
		lane = lane.With(topics.Outcome{Seq: seq})
		_ = before.With(topics.Outcome{Seq: 999})
		if lane.Last() != seq || len(lane.Outcomes) > topics.MaxInFlight {
			t.Fatalf("after %d the lane is %+v", seq, lane)
		}
	}
	if _, ok := lane.Find(9); ok {
		t.Error("an outcome that fell out of the lane is found")
	}
	for seq := uint64(10); seq <= lane.Last(); seq++ {
		if o, ok := lane.Find(seq); !ok || o.Seq != seq {
			t.Errorf("outcome %d is %+v, %v", seq, o, ok)
		}
	}
}
