package simulation

import (
	"flag"
	"testing"
	"testing/synctest"
	"time"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "replay the history of this seed alone")
	howMany   = flag.Int("seeds", 0, "how many histories; 0: 2,000, with -short 200")
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
			n = 200
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

// live lives through one history in a bubble of its own, and returns what happened.
func live(t *testing.T, seed uint64, c *census, verbose bool) []string {
	var log []string
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, c)
		w.verbose = verbose
		w.run(stepsPerSeed)
		log = w.log
	})
	return log
}

// A seed is a history: what failed once fails again. Only where the engine replaces a
// failed store is it open which of its goroutines comes first.
func TestReplay(t *testing.T) {
	same := 0
	for seed := uint64(1); same < 10; seed++ {
		c := newCensus()
		once, again := live(t, seed, c, false), live(t, seed, newCensus(), false)
		if c.count["store lost"]+c.count["store applied"] > 0 {
			continue
		}
		same++
		for i := range max(len(once), len(again)) {
			if i >= len(once) || i >= len(again) || once[i] != again[i] {
				t.Fatalf("seed %d: the histories part at step %d of %d and %d", seed, i, len(once), len(again))
			}
		}
	}
}
