package simulation

import (
	"context"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/topics"
)

// gate decides what becomes of a commit that waits.
func (w *world) gate() {
	waiting := w.disk.gates()
	if len(waiting) == 0 {
		return
	}
	g := waiting[w.rng.IntN(len(waiting))]
	fault := memory.NoFault
	if n := w.rng.IntN(60); n < 3 && !g.durable {
		fault = []memory.Fault{memory.Full, memory.UnknownLost, memory.UnknownApplied}[n]
	}
	w.trace("commit on %s: durable %v, fault %d", g.topic.Name, g.durable, fault)
	switch fault {
	case memory.NoFault:
	case memory.Full:
		w.census.add("store", "full")
	default: // the engine replaces the store: no other call may wait for the simulation
		w.census.add("store", map[memory.Fault]string{memory.UnknownLost: "lost", memory.UnknownApplied: "applied"}[fault])
		d := w.disk
		d.mu.Lock()
		d.open = true
		d.mu.Unlock()
		for _, other := range d.gates() {
			if other != g {
				d.let(other, memory.NoFault)
				w.rest()
			}
		}
	}
	w.disk.let(g, fault)
}

// delete ends a topic's incarnation, sooner or later.
func (w *world) delete() {
	if w.rng.IntN(5) > 0 {
		return
	}
	topic, e := w.names[w.rng.IntN(len(w.names))], w.engine
	w.trace("%s is deleted", topic)
	w.census.add("topic", "deleted")
	go func() { _ = e.Delete(context.Background(), w.peers[0].identity(), topic) }() // it may fail: the store can be gone
}

// compact moves floors as far as can be, under the engine's feet.
func (w *world) compact() {
	topic := store.Topic{Tenant: topics.DefaultTenant, Name: w.names[w.rng.IntN(len(w.names))]}
	head, err := w.disk.Head(context.Background(), topic)
	if err != nil || head.Version == 0 {
		return
	}
	retention := topics.Version(w.rng.Uint64N(uint64(head.Version) + 1))
	floors := store.Floors{Retention: retention, Tombstones: topics.Version(w.rng.Uint64N(uint64(retention) + 1))}
	w.trace("%s is compacted to %+v", topic.Name, floors)
	if err := w.disk.Compact(context.Background(), topic, floors); err == nil {
		w.census.add("topic", "compacted")
	}
}

// restart ends the server, in an orderly way or not, and starts another one over what
// the store holds.
func (w *world) restart() {
	if w.rng.IntN(3) > 0 {
		return
	}
	kind, end := "crash", w.crash
	if w.rng.IntN(2) == 0 {
		kind, end = "restart", w.close
	}
	w.trace("server %s", kind)
	w.census.add("server", kind)
	end()
	w.rest()
	w.begin(w.disk.reopened())
	w.cutLines()
}

// crash ends the server at once: what was on its way to the disk is there, or is not.
func (w *world) crash() {
	w.cutLines()
	for _, g := range w.disk.gates() {
		if w.rng.IntN(2) == 0 && !g.durable {
			w.disk.let(g, memory.Full)
			w.rest()
		}
	}
	w.disk.openAll(w.rest)
	w.rest()
	if err := w.engine.Close(context.Background()); err != nil {
		w.fail("closing the engine: %v", err)
	}
}

// close ends the server when it has answered what it has taken. Meanwhile its clients
// go on, and are refused.
func (w *world) close() {
	e := w.engine
	go func() {
		if err := e.Close(context.Background()); err != nil {
			w.fail("closing the engine: %v", err)
		}
	}()
	w.rest()
	for range 20 {
		p := w.peers[w.rng.IntN(len(w.peers))]
		w.arrive(p)
		w.rest()
		w.pull(p)
		w.deliver(p)
	}
	w.disk.openAll(w.rest)
}

// cutLines ends every line at the server's end. What it has said still arrives.
func (w *world) cutLines() {
	for _, p := range w.peers {
		if p.line != nil && !p.line.ended {
			p.line.pull()
			p.line.drop()
			p.line.down = p.line.down[:w.rng.IntN(len(p.line.down)+1)]
		}
	}
	for _, l := range w.old {
		l.drop()
	}
	w.old = nil
	w.fraud.leave()
}
