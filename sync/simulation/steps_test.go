package simulation

import (
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// steps are what can happen, and how often compared with each other.
var steps = []struct {
	weight int
	do     func(*world, *peer)
}{
	{14, func(_ *world, p *peer) { p.write() }},
	{22, (*world).arrive},
	{22, (*world).pull},
	{22, (*world).deliver},
	{26, func(w *world, _ *peer) { w.gate() }},
	{4, func(w *world, _ *peer) { w.pass(time.Duration(w.rng.IntN(3000)) * time.Millisecond) }},
	{2, func(w *world, _ *peer) { w.passLong() }},
	{6, (*world).line},
	{3, (*world).lose},
	{2, func(w *world, _ *peer) { w.leftover() }},
	{2, (*world).beat},
	{2, (*world).load},
	{1, func(w *world, _ *peer) { w.delete() }},
	{1, func(w *world, _ *peer) { w.compact() }},
	{1, func(w *world, _ *peer) { w.restart() }},
	{2, func(w *world, _ *peer) { w.fraud.act() }},
}

var allWeights = func() (sum int) {
	for _, s := range steps {
		sum += s.weight
	}
	return sum
}()

func (w *world) step() {
	p := w.peers[w.rng.IntN(len(w.peers))]
	n := w.rng.IntN(allWeights)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do(w, p)
			return
		}
	}
}

// pass lets time pass, and everybody do what is due.
func (w *world) pass(d time.Duration) {
	w.trace("%s pass", d)
	time.Sleep(d)
	w.rest()
	for _, p := range w.peers {
		p.tick()
	}
}

// passLong lets runs expire and floors move.
func (w *world) passLong() {
	if w.rng.IntN(2) == 0 {
		w.pass(store.RunLife + 10*time.Second)
	}
}
