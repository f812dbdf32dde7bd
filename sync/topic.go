package statesync

import (
	"context"
	"sync"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// topic is one topic while somebody uses it: its head, its tail, the cursors that
// wait at its head, and the mutations that wait for its next commit.
type topic struct {
	key    store.Topic
	engine *Engine

	refs int // users of this object; guarded by the registry's lock

	mu     sync.Mutex
	loaded bool // head and tail are those of the store
	// replaced is how many stores there had been before the one they are of.
	replaced uint64
	head     store.Head
	tail     tail
	// waiting are the cursors at the head. A cursor is here exactly while its
	// waits index is not -1, and only then does a commit wake it.
	waiting   []*cursor
	cursors   []*cursor // all of them; each knows its index
	published time.Time // of the newest commit in the tail
	reads     uint64    // of the tail; every deliverySample-th is measured
	waits     []*waiter // loads that wait for a version

	presence presence

	inbox      []*request
	removals   []chan<- error        // who asked to delete the topic; answered between two commits
	committing bool                  // a goroutine is deciding and committing; at most one
	inFlight   map[store.LaneKey]int // unanswered mutations per lane
}

// waiter is a load that wants at least a version.
type waiter struct {
	version topics.Version
	ready   chan struct{} // closed by the commit that reaches it
}

// position is the head that has been published.
func (t *topic) position() topics.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head.Position
}

// bounds are the numbers cursors are held against. The caller holds t.mu.
func (t *topic) bounds() Bounds {
	return Bounds{Position: t.head.Position, Floors: t.head.Floors, Tail: t.tail.start}
}

// load makes head and tail those of the store, once. The caller holds t.mu.
func (t *topic) load(ctx context.Context) error {
	now := t.engine.disk.replaced.Load()
	if t.loaded && t.replaced == now {
		return nil
	}
	head, err := t.engine.store.Head(ctx, t.key)
	if err != nil {
		return err
	}
	t.head, t.tail, t.loaded, t.replaced = head, newTail(head.Version), true, now
	return nil
}

// join adds a cursor. The caller holds t.mu.
func (t *topic) join(c *cursor) {
	c.index = len(t.cursors)
	t.cursors = append(t.cursors, c)
}

// part takes a cursor out, with its presence. The caller holds t.mu.
func (t *topic) part(c *cursor) {
	t.forget(c)
	t.linger(c)
	last := len(t.cursors) - 1
	t.cursors[c.index] = t.cursors[last]
	t.cursors[c.index].index = c.index
	t.cursors[last] = nil
	t.cursors = t.cursors[:last]
}

// wait puts c among the cursors a commit wakes. The caller holds t.mu.
func (t *topic) wait(c *cursor) {
	if c.waits >= 0 {
		return
	}
	c.waits = len(t.waiting)
	t.waiting = append(t.waiting, c)
}

// waitsAtHead reports whether c has everything up to the head.
func (t *topic) waitsAtHead(c *cursor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return c.waits >= 0 && c.run == nil
}

// forget takes c out again. The caller holds t.mu.
func (t *topic) forget(c *cursor) {
	if c.waits < 0 {
		return
	}
	last := len(t.waiting) - 1
	moved := t.waiting[last]
	t.waiting[c.waits] = moved
	moved.waits = c.waits
	t.waiting[last] = nil
	t.waiting = t.waiting[:last]
	c.waits = -1
}

// wakeAll makes every waiting cursor ready. The caller holds t.mu.
func (t *topic) wakeAll() {
	for i, c := range t.waiting {
		c.waits = -1
		t.waiting[i] = nil
		c.session.ready.pushCursor(c)
	}
	t.waiting = t.waiting[:0]
	kept := t.waits[:0]
	for _, w := range t.waits {
		if t.head.Version >= w.version {
			close(w.ready)
			continue
		}
		kept = append(kept, w)
	}
	clear(t.waits[len(kept):])
	t.waits = kept
}

// notYet reports whether the store is ahead of what has been answered: a commit is
// durable, and its answers are about to be queued. A run that began now would show
// a mutation before its ack. The cursor then waits for that commit.
func (t *topic) notYet(c *cursor, stored store.Head) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if stored.Version <= t.head.Version || stored.Epoch != t.head.Epoch && t.head.Version != 0 {
		return false
	}
	t.wait(c)
	return true
}

// refresh takes over floors that compaction has moved in the store.
func (t *topic) refresh(ctx context.Context) error {
	head, err := t.engine.store.Head(ctx, t.key)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if head.Epoch == t.head.Epoch {
		t.head.Floors = head.Floors
	}
	return nil
}
