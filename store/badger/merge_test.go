package badger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// A run still shows its state after Badger has merged its tables, as long as its
// timestamp is readable: what Badger may discard follows the clock of runs (P4).
func TestRunsSurviveMerging_P4(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 40 MiB")
	}
	now := smallClock()
	s := openAt(t, Options{Dir: t.TempDir(), Clock: func() time.Time { return now }})
	topic := fixtureTopic(0)
	for i := range 8 {
		putRow(t, s, topic, fmt.Sprint("e", i), "first")
	}
	first, err := s.Last(t.Context(), topic, 0, 0, store.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 64<<10)
	for round := range 7 {
		for i := range 48 {
			putRow(t, s, topic, fmt.Sprint("e", i%8), fmt.Sprint(round, i, big))
		}
		if err := s.Compact(t.Context(), topic, store.Floors{Retention: 1 << 40, Tombstones: 1 << 40}); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Flatten(2); err != nil {
			t.Fatal(err)
		}
		now = now.Add(8 * time.Second)
		again, err := s.Last(t.Context(), topic, 0, first.At, store.Budget{})
		if err != nil || fmt.Sprint(again.Events) != fmt.Sprint(first.Events) {
			t.Fatalf("after %v: %d events, %v", now.Sub(smallClock()), len(again.Events), err)
		}
	}
	for range 3 {
		now = now.Add(store.RunLife)
		putRow(t, s, topic, "e0", "later")
	}
	if err := s.db.Flatten(2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Last(t.Context(), topic, 0, first.At, store.Budget{}); err == nil {
		t.Error("the run never expires")
	}
	if report, err := s.Check(t.Context()); err != nil || len(report.Damage) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}
