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
