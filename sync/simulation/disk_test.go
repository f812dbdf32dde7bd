package simulation

import (
	"context"
	"errors"
	"sync"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
)

// disk is a memory store whose commits wait until the simulation lets them through,
// and which writes every one that became durable into the ledger.
type disk struct {
	*memory.Store
	ledger  *ledger
	verdict *memory.Fault // of the next call; read by memory.Options.Fault

	mu      sync.Mutex
	waiting []*waiting
	open    bool // commits pass unasked
	down    bool // a commit had an unknown outcome: there are no more
}

// waiting is a commit at the gate: first before it is made, then before it is told.
type waiting struct {
	topic   store.Topic
	durable bool
	pass    chan memory.Fault
}

var _ store.Store = (*disk)(nil)

func newDisk(l *ledger, o memory.Options) *disk {
	d := &disk{ledger: l, verdict: new(memory.Fault)}
	verdict := d.verdict
	o.Fault = func(uint64) memory.Fault { return *verdict }
	d.Store = memory.New(o)
	return d
}

// reopened is what a restarted server, or engine, finds.
func (d *disk) reopened() *disk {
	return &disk{Store: d.Store.Reopen(), ledger: d.ledger, verdict: d.verdict}
}

// Append waits at the gate, commits, and waits again.
func (d *disk) Append(ctx context.Context, t store.Topic, c store.Commit) (store.Head, error) {
	fault := d.wait(t, false)
	head, err := d.append(ctx, t, c, fault)
	if err == nil {
		d.wait(t, true)
	}
	return head, err
}

func (d *disk) append(ctx context.Context, t store.Topic, c store.Commit, fault memory.Fault) (store.Head, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	*d.verdict = fault
	head, err := d.Store.Append(ctx, t, c)
	*d.verdict = memory.NoFault
	if err == nil {
		d.ledger.committed(t.Name, head, c)
	}
	down := errors.Is(err, store.ErrOutcomeUnknown)
	if first := down && !d.down; first && fault == memory.UnknownApplied {
		if now, failed := d.Store.Head(ctx, t); failed == nil {
			d.ledger.committed(t.Name, now, c)
		}
	}
	d.down = d.down || down
	return head, err
}

// Delete ends an incarnation, in the ledger too.
func (d *disk) Delete(ctx context.Context, t store.Topic) error {
	err := d.Store.Delete(ctx, t)
	if err == nil {
		d.ledger.deleted(t.Name)
	}
	return err
}

func (d *disk) wait(t store.Topic, durable bool) memory.Fault {
	d.mu.Lock()
	if d.open {
		d.mu.Unlock()
		return memory.NoFault
	}
	w := &waiting{topic: t, durable: durable, pass: make(chan memory.Fault)}
	d.waiting = append(d.waiting, w)
	d.mu.Unlock()
	return <-w.pass
}

// gates are the commits that wait.
func (d *disk) gates() []*waiting {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*waiting(nil), d.waiting...)
}

// let lets one commit through.
func (d *disk) let(w *waiting, fault memory.Fault) {
	d.mu.Lock()
	for i := range d.waiting {
		if d.waiting[i] == w {
			d.waiting = append(d.waiting[:i], d.waiting[i+1:]...)
			break
		}
	}
	d.mu.Unlock()
	w.pass <- fault
}

// openAll lets everything through from here on: nobody may wait for a commit while
// the store under it is being replaced.
func (d *disk) openAll(rest func()) {
	d.mu.Lock()
	d.open = true
	d.mu.Unlock()
	for _, w := range d.gates() {
		d.let(w, memory.NoFault)
		rest()
	}
}
