package simulation

import (
	"flag"
	"testing"
	"testing/synctest"
	"time"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "replay the history of this seed alone")
	howMany   = flag.Int("seeds", 0, "how many histories; 0: 2,000, with -short 150")
	firstSeed = flag.Uint64("from", 1, "the first seed")
)

// stepsPerSeed is the length of a history before its end.
const stepsPerSeed = 400

// P1 to P7 and P10 hold in every history, whatever fails (see the package's doc).
func TestSimulation(t *testing.T) {
	c := newCensus()
	if *oneSeed != 0 {
		live(t, *oneSeed, c, testing.Verbose())
		return
	}
	n := *howMany
	if n == 0 {
		n = 2000
		if testing.Short() {
			n = 150
		}
	}
	start := time.Now()
	for i := range n {
		if live(t, *firstSeed+uint64(i), c, false); t.Failed() {
			return
		}
	}
	t.Logf("%d histories of %d steps in %.1f s", n, stepsPerSeed, time.Since(start).Seconds())
	c.report(t)
}

// live lives through one history in a bubble of its own.
func live(t *testing.T, seed uint64, c *census, verbose bool) *world {
	var w *world
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, seed, c)
		w.verbose = verbose
		w.run(stepsPerSeed)
	})
	return w
}

// A seed is a history: what failed once fails again. It is open only, where the engine
// replaces a failed store, and where a session slows its reader down, which of two
// goroutines comes first.
func TestReplay(t *testing.T) {
	same, wanted := 0, 10
	if testing.Short() {
		wanted = 4
	}
	for seed := uint64(1); same < wanted; seed++ {
		c := newCensus()
		first := live(t, seed, c, false)
		if c.count["store lost"]+c.count["store applied"] > 0 || first.options.Limits.Answers < 256 {
			continue
		}
		same++
		once, again := first.log, live(t, seed, newCensus(), false).log
		for i := range max(len(once), len(again)) {
			if i >= len(once) || i >= len(again) || once[i] != again[i] {
				t.Fatalf("seed %d: the histories part at step %d of %d and %d", seed, i, len(once), len(again))
			}
		}
	}
}
