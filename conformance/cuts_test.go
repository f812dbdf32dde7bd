package conformance_test

import (
	"fmt"
	"testing"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/client"
)

// The law of cuts: whoever stopped at any version, of any history, and comes back in
// any mode, ends with the server's rows (P5, P7), pays at most one event per entity
// that changed (P10), and is shown no state that the server did not have (P4).
// Whatever is in memory, however small the pieces, wherever the floors, with deltas
// (E-15) or without.
func TestEveryCut(t *testing.T) {
	for _, limits := range []statesync.Limits{{}, {TailCommits: 4}, {TailCommits: 1, TurnBytes: 200}, {TurnBytes: 200}, {TailCommits: 4, SnapshotBytes: 1}} {
		for _, retention := range []statesync.Retention{{Forever: true}, {Events: 20, Age: 1, Tombstones: time.Hour}, {Events: 20, Age: 1, Tombstones: 1}} {
			name := fmt.Sprintf("tail %d, turn %d, kept %d, history %d, tombstones %s", limits.TailCommits, limits.TurnBytes, limits.SnapshotBytes, retention.Events, retention.Tombstones)
			t.Run(name, func(t *testing.T) {
				h := newHistory(t, limits, retention)
				h.write(70)
				h.compact()
				for _, c := range h.cuts {
					for _, mode := range []string{"latest", "every"} {
						h.comeBack(c, mode)
					}
				}
				for _, c := range append(h.cuts, cut{}) {
					for _, mode := range []string{"latest", "every"} {
						h.comeBackInPieces(c, mode)
					}
				}
				if h.deltas == 0 {
					t.Error("no event came as a delta (E-15)")
				}
			})
		}
	}
}

// comeBack resumes at a cut and holds what comes to the law.
func (h *history) comeBack(c cut, mode string) {
	h.t.Helper()
	r := c.replica(h.t)
	s := h.open(nil)
	defer s.Close()
	h.say(s, fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":%d,"mode":%q,"deltas":%t}]}`, c.at.Epoch, c.at.Version, mode, h.rand.IntN(2) == 0))
	rows, resynced := 0, false
	for _, f := range h.hear(s) {
		resynced = resynced || f.Type == "resync"
		effect := r.Apply(f)
		if effect == client.Gap {
			h.t.Fatalf("from %d, %s: a gap at %d: %+v", c.at.Version, mode, r.Position.Version, f)
		}
		if effect == client.Shown && shownRows(r) != h.states[r.Consistent] {
			h.t.Fatalf("from %d, %s: what is shown at %d is\n%s\nand was\n%s", c.at.Version, mode, r.Consistent, shownRows(r), h.states[r.Consistent])
		}
		for _, e := range f.Events {
			if e.Op != "none" {
				rows++
			}
		}
	}
	if r.Position != h.live.Position || shownRows(r) != shownRows(h.live) {
		h.t.Fatalf("from %d, %s: ends at %v with\n%s\nthe server is at %v with\n%s", c.at.Version, mode, r.Position, shownRows(r), h.live.Position, shownRows(h.live))
	}
	all, entities := h.since(c.at.Version)
	if most := map[string]int{"latest": entities, "every": all}[mode]; rows > most {
		h.t.Fatalf("from %d, %s: %d events of rows came; %d entities changed, in %d events", c.at.Version, mode, rows, entities, all)
	}
	if mode == "every" && !resynced && rows != all {
		h.t.Fatalf("from %d: every event was asked for, and %d of %d came", c.at.Version, rows, all)
	}
}

// comeBackInPieces resumes at a cut on a line that breaks again and again, while the
// topic moves on, and holds what is shown to what the server had.
func (h *history) comeBackInPieces(c cut, mode string) {
	h.t.Helper()
	r := client.NewReplica()
	if c.at.Version > 0 {
		r = c.replica(h.t)
	}
	for broken := 0; r.Position != h.live.Position || r.Consistent != h.live.Consistent; broken++ {
		if broken > 200 {
			h.t.Fatalf("from %d, %s: at %v after %d lines that broke; the topic is at %v", c.at.Version, mode, r.Position, broken, h.live.Position)
		}
		s := h.open(nil)
		position := ""
		if r.Position.Version > 0 {
			position = fmt.Sprintf(`,"epoch":%q,"version":%d`, r.Position.Epoch, r.Position.Version)
		}
		h.say(s, fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","mode":%q,"deltas":%t%s}]}`, mode, h.rand.IntN(2) == 0, position))
		frames := h.hear(s)
		for moves := h.rand.IntN(9) - 6; broken < 6 && moves > 0; moves-- { // while it listens
			h.write(1)
			frames = append(frames, h.hear(s)...)
		}
		s.Close()
		for _, f := range frames[:1+h.rand.IntN(len(frames))] {
			effect := r.Apply(f)
			if effect == client.Gap || effect == client.Shown && shownRows(r) != h.states[r.Consistent] {
				h.t.Fatalf("from %d, %s, line %d: %+v has effect %s; at %d is shown\n%s\nand the server had\n%s", c.at.Version, mode, broken, f, effects[effect], r.Consistent, shownRows(r), h.states[r.Consistent])
			}
		}
		if broken < 6 && h.rand.IntN(3) == 0 {
			h.write(1)
			h.compact()
		}
	}
	if shownRows(r) != shownRows(h.live) {
		h.t.Fatalf("from %d, %s: ends with\n%s\nthe server has\n%s", c.at.Version, mode, shownRows(r), shownRows(h.live))
	}
}
