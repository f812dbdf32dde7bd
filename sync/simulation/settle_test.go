package simulation

import (
	"context"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// settle lets everything that was begun come to its end: nothing fails any more, and
// nothing is lost. Then all have come to the same rows (P7).
func (w *world) settle() {
	w.trace("peace")
	w.lossy = false
	w.disk.openAll(w.rest)
	for _, l := range w.old {
		l.drop()
	}
	w.old = nil
	w.fraud.leave()
	for round := 0; round < 200 && !w.failed; round++ {
		if w.disk.openAll(w.rest); w.settled() {
			break
		}
		for _, p := range w.peers {
			w.serve(p, round%10 == 9)
		}
		w.pass(time.Second)
	}
	w.compare()
}

// serve carries everything that a peer and the server have to say to each other.
func (w *world) serve(p *peer, beat bool) {
	if p.line == nil {
		p.connect()
	}
	for range 300 {
		w.arrive(p)
		w.rest()
		w.deliver(p)
		if p.line == nil {
			return
		}
		p.line.pull()
		if len(p.line.up) == 0 && len(p.line.down) == 0 && !p.line.awake.Load() && !p.line.ended {
			break
		}
	}
	if beat {
		p.line.session.Beat()
	}
}

// settled reports whether nobody waits for anything.
func (w *world) settled() bool {
	for _, p := range w.peers {
		if p.line == nil || !p.outbox.Empty() {
			return false
		}
		for _, d := range p.desks {
			_, head := w.present(d.topic)
			if !at(d.sub.Replica.Shown(), head) || len(d.view.Layers()) > 0 {
				return false
			}
		}
	}
	return true
}

func (w *world) present(topic topics.Name) (state, topics.Position) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	return w.ledger.of(topic).present()
}

// compare holds everybody to the ledger: the store, the replicas, the views.
func (w *world) compare() {
	for _, topic := range w.names {
		want, head := w.present(topic)
		page, err := w.disk.Last(context.Background(), store.Topic{Tenant: topics.DefaultTenant, Name: topic}, 0, 0, store.Budget{})
		if err != nil || !at(page.Head.Position, head) {
			w.fail("P2: the store is at %s, the ledger at %s (%v)", page.Head.Position, head, err)
		}
		stored := make(state)
		for _, e := range page.Events {
			stored.apply(e)
		}
		if len(stored) != len(want) {
			w.fail("P2: the store has %d rows, the ledger %d", len(stored), len(want))
		}
		for _, p := range w.peers {
			w.compareDesk(p, p.desk(topic), want, head)
		}
	}
	for _, p := range w.peers {
		for id, mine := range p.writes {
			if mine.settled == nil && !w.failed {
				w.fail("P3: %s never heard what became of %v", p.name, id)
			}
		}
	}
}

func (w *world) compareDesk(p *peer, d *desk, want state, head topics.Position) {
	if err := want.same(d.sub.Replica.Rows(), true); err != nil || !at(d.sub.Replica.Shown(), head) {
		w.fail("P7: the replica of %s shows %s at %s, the server is at %s: %v", p.name, d.topic, d.sub.Replica.Shown(), head, err)
	}
	if err := want.same(d.view.Rows(), true); err != nil || len(d.view.Layers()) > 0 {
		w.fail("P7: the view of %s on %s has %d layers: %v", p.name, d.topic, len(d.view.Layers()), err)
	}
}
