package statesync

import (
	"context"
	"errors"
	"fmt"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// run is a catch-up in pieces, all read as of one timestamp.
type run struct {
	snapshot bool    // from 0: rows, as snapshot frames
	pieces   []piece // what is left of a kept snapshot; empty: the store is read
	started  bool
	as       store.Timestamp
	target   topics.Version
	dropped  uint64 // custom events it leaves out; known once started
}

func (c *cursor) startRun() {
	c.run, c.skipped = &run{}, false
}

// readRun gives the next piece of a catch-up from the last list.
func (c *cursor) readRun(ctx context.Context, dst []byte, budget int) ([]byte, verdict, error) {
	if !c.run.started && c.at.Version == 0 && c.session.form == FormFrames {
		c.joinKept(ctx)
	}
	if len(c.run.pieces) > 0 {
		return c.readKept(dst, budget), behind, nil
	}
	page, err := c.session.engine.store.Last(ctx, c.topic.key, c.at.Version, c.run.as, store.Budget{Bytes: budget})
	if errors.Is(err, store.ErrRunExpired) {
		return c.endRun(dst, nil, c.at.Version, true), behind, nil
	}
	if err != nil {
		return dst, behind, err
	}
	if c.at.Version == 0 {
		c.at.Epoch = page.Head.Epoch
	}
	if page.Head.Epoch != c.at.Epoch {
		c.run = nil
		return dst, behind, c.topic.refresh(ctx)
	}
	if !c.run.started {
		if c.topic.notYet(c, page.Head) {
			return dst, resting, nil
		}
		if v := c.at.Version; v != 0 && v < page.Head.Tombstones {
			c.run = nil // compacted since the run was decided on: tombstones it needs are gone
			return dst, behind, c.topic.refresh(ctx)
		}
		if err := c.beginRun(ctx, page); err != nil {
			return dst, behind, err
		}
	}
	if err := c.checkRun(page); err != nil {
		return dst, behind, err
	}
	if page.More {
		return c.appendRun(dst, page.Events, page.Events[len(page.Events)-1].Version, true, false), behind, nil
	}
	return c.endRun(dst, page.Events, c.run.target, false), behind, nil
}

// beginRun fixes what the run shows: the state at the head of its first page.
func (c *cursor) beginRun(ctx context.Context, page store.Page) error {
	c.run.started, c.run.as, c.run.target = true, page.At, page.Head.Version
	c.run.snapshot = c.at.Version == 0
	if c.run.snapshot || page.Head.Customs == 0 {
		return nil
	}
	known, err := c.customsBefore(ctx, page.Head)
	c.run.dropped = page.Head.Customs - known
	return err
}

// customsBefore counts the custom events up to the cursor, as far as the log still
// tells: those below the retention floor count as seen.
func (c *cursor) customsBefore(ctx context.Context, head store.Head) (uint64, error) {
	from := max(c.at.Version, head.Retention)
	if from == head.Version {
		return head.Customs, nil
	}
	page, err := c.session.engine.store.Read(ctx, c.topic.key, from, store.Budget{Events: 1})
	if errors.Is(err, store.ErrCompacted) {
		return head.Customs, nil
	}
	if err != nil {
		return 0, err
	}
	next := page.Events[0]
	if next.Kind == store.KindCustom {
		return next.Customs - 1, nil
	}
	return next.Customs, nil
}

// checkRun holds a page to what the run promised: ascending, and within it.
func (c *cursor) checkRun(page store.Page) error {
	prev := c.at.Version
	for i := range page.Events {
		v := page.Events[i].Version
		if v <= prev || v > c.run.target {
			return &store.DamageError{Topic: c.topic.key, Version: v, Detail: fmt.Sprintf("the last list is out of order after %d, or beyond its head %d", prev, c.run.target)}
		}
		prev = v
	}
	return nil
}

func (c *cursor) endRun(dst []byte, events []store.Event, to topics.Version, mixed bool) []byte {
	dst = c.appendRun(dst, events, to, false, mixed)
	c.follow()
	return dst
}

func (c *cursor) appendRun(dst []byte, events []store.Event, to topics.Version, more, mixed bool) []byte {
	r := frame.Run{
		Topic: c.topic.key.Name, Epoch: c.at.Epoch, From: c.at.Version, To: to, Target: c.run.target,
		More: more, Mixed: mixed, Conflated: true,
	}
	if !more && !mixed {
		r.Dropped = c.run.dropped
	}
	c.at.Version = to
	if c.run.snapshot {
		return c.session.form.appendSnapshot(dst, c.topic.key, r, events)
	}
	c.session.engine.metrics.conflated.Inc()
	c.session.out += len(events)
	return c.session.form.appendEvents(dst, c.topic.key, r, events)
}

// joinKept takes a kept snapshot for the run, if there is one. In mode latest it may be
// of an older version: what follows is conflated, and nothing is shown before it is
// complete, for a load shows what was acknowledged before it (P6).
func (c *cursor) joinKept(ctx context.Context) {
	snap := c.session.engine.snapshots.get(ctx, c.topic)
	if snap == nil {
		return
	}
	pieces, complete := snap.join(c.topic.position())
	if !complete && (c.mode == frame.ModeEvery || snap.at.Version == 0) {
		return // at version 0 the topic may be deleted, and nothing would follow
	}
	c.run.started, c.run.snapshot, c.run.pieces, c.at.Epoch = true, true, pieces, snap.at.Epoch
	c.skipped = !complete
}

// readKept gives the next pieces of a kept snapshot: at least one.
func (c *cursor) readKept(dst []byte, budget int) []byte {
	start := len(dst)
	for len(c.run.pieces) > 0 {
		p := c.run.pieces[0]
		if len(dst) > start && len(dst)-start+len(p.line) > budget {
			return dst
		}
		dst = append(dst, p.line...)
		c.at.Version = p.to
		c.run.pieces = c.run.pieces[1:]
	}
	c.follow()
	return dst
}

// follow ends a run. What was committed while it was read is caught up with as any
// absence is: by the last event of each entity.
func (c *cursor) follow() {
	c.run = nil
	c.brought()
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	c.whole = c.topic.head.Version
	if c.mode == frame.ModeLatest {
		c.latestTo = c.topic.head.Version
	}
}
