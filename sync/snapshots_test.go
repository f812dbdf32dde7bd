package statesync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/sync/client"
)

// A join is served from kept bytes while the tail reaches back to them, and what
// was committed since follows, one event per entity (P10). Rows that are too many
// to keep, and a snapshot the tail has left behind, are read from the store.
func TestKeptSnapshots(t *testing.T) {
	tests := []struct {
		name   string
		limits Limits
		kept   bool
	}{
		{"kept", Limits{}, true},
		{"too large", Limits{SnapshotBytes: 1000}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.limits.TurnBytes, tt.limits.TailCommits = 512, 20
			h := newHouse(t, tt.limits)
			for i := range 30 {
				h.do(put(fmt.Sprintf("g%02d", i), `"something to keep"`))
			}
			join := func() string {
				s := h.open("alice", FormFrames)
				s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
				lines := s.drain()
				replica := client.NewReplica()
				feed(t, replica, lines)
				if got, want := shown(replica), h.rows(gifts); got != want {
					t.Errorf("replica:\n%sserver:\n%s", got, want)
				}
				return strings.Join(lines, "\n")
			}
			join()
			for i := range 5 {
				h.do(put("g00", fmt.Sprint(i)))
			}
			if again := join(); tt.kept != strings.Contains(again, `"conflated":true`) {
				t.Errorf("the second join is\n%s", again)
			}
			for i := range 25 {
				h.do(put("g01", fmt.Sprint(i)))
			}
			if again := join(); strings.Contains(again, `"conflated":true`) {
				t.Errorf("the join after the tail had gone on is\n%s", again)
			}
			if n := h.engine.snapshots.bytes; n > h.engine.limits.SnapshotBytes {
				t.Errorf("%d bytes are kept; at most %d", n, h.engine.limits.SnapshotBytes)
			}
		})
	}
}

// P6: a load from a kept snapshot shows nothing older than what was acknowledged before
// it began.
func TestKeptSnapshotIsNotShownAlone(t *testing.T) {
	for _, mode := range []string{"latest", "every"} {
		h := newHouse(t, Limits{})
		h.do(put("a", `1`))
		h.open("alice", FormFrames).say(`{"type":"subscribe","topics":["gift-list:1"]}`)
		first := h.open("bob", FormFrames)
		first.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
		first.drain() // the snapshot is kept now
		acked := h.do(put("b", `2`))
		again := h.open("bob", FormFrames)
		again.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","mode":"` + mode + `"}]}`)
		replica := client.NewReplica()
		for _, line := range again.drain() {
			if effect := feed(t, replica, []string{line}); effect == client.Shown && replica.Consistent < acked {
				t.Errorf("mode %s: after an ack at %d a load shows %d", mode, acked, replica.Consistent)
			}
		}
		if got, want := shown(replica), h.rows(gifts); got != want {
			t.Errorf("mode %s: replica:\n%sserver:\n%s", mode, got, want)
		}
	}
}
