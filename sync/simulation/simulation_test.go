package simulation

import (
	"flag"
	"testing"
	"testing/synctest"
	"time"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "replay the history of this seed alone")
	howMany   = flag.Int("seeds", 0, "how many histories; 0: 1,500, with -short 150")
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
		n = 1500
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
func live(t *testing.T, seed uint64, c *census, verbose bool) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, c)
		w.verbose = verbose
		w.run(stepsPerSeed)
	})
}
