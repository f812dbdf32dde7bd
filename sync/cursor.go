package statesync

import (
	"context"
	"errors"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// cursor is one session's position in one topic. All but waits and queued belong
// to the session's lock.
type cursor struct {
	topic   *topic
	session *Session
	mode    frame.Mode

	at topics.Position // everything up to here has been sent
	// run is the catch-up under way; nil while the cursor follows the log.
	run *run
	// latestTo is the head when the cursor came back: up to there it gets the
	// last event of each entity from the tail, after that every commit.
	latestTo topics.Version
	// skipped says that a piece of that has been sent, which left events out: until
	// the cursor is at latestTo, what the client has is no state to be shown (P4).
	skipped bool

	deltas bool // a patch may come without the value that it makes; fixed
	// whole is the version from which on the client has every row as it was at the
	// cursor, when all that is skipped has come. A client that came with a position may
	// be in the middle of a run, and one whose run became mixed is: either run ends no
	// further than the head was then.
	whole topics.Version
	pace  *pace // nil: it is read as often as there is something; fixed

	presence     bool   // it is told who is here; fixed
	presenceSeen uint64 // the last number of presence it was told

	index   int       // in topic.cursors; guarded by topic.mu
	present bool      // it speaks for member; guarded by topic.mu
	member  memberKey // guarded by topic.mu

	waits  int  // index in topic.waiting, -1 when not there; guarded by topic.mu
	queued bool // stands in session.ready.cursors; guarded by its lock
}

// verdict says what to do with a cursor after a read.
type verdict uint8

const (
	resting      verdict = iota // it waits: for a commit, or until it is due
	behind                      // there is more for it
	answersFirst                // answers have come up that must stand before what it would read
)

// read appends what the cursor is owed next, one frame or a few, and moves it.
func (c *cursor) read(ctx context.Context, dst []byte, budget int) ([]byte, verdict, error) {
	if c.run != nil {
		return c.readRun(ctx, dst, budget)
	}
	t := c.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(ctx); err != nil {
		return dst, behind, err
	}
	plan := Resume(c.mode, c.at, t.bounds())
	if c.at.Version == 0 {
		c.at.Epoch = t.head.Epoch
	}
	switch plan.step {
	case stepNothing:
		t.wait(c)
		return dst, resting, nil
	case stepResync:
		c.session.engine.resynced(c, plan)
		c.startRun()
		c.at = topics.Position{Epoch: t.head.Epoch}
		return append(frame.AppendResync(dst, t.key.Name, t.head.Epoch, string(plan.Reason), plan.Missed), '\n'), behind, nil
	case stepTail, stepLog, stepRun:
	}
	if c.early() {
		return dst, resting, nil
	}
	switch plan.step {
	case stepTail:
		// A commit queues its answers before it grows the tail, both under this
		// lock: with none queued now, no ack can come after its own event.
		if c.session.ready.hasAnswers() {
			return dst, answersFirst, nil
		}
		return c.readTail(dst, budget), behind, nil
	case stepLog:
		head := t.head.Version
		t.mu.Unlock()
		defer t.mu.Lock()
		return c.readLog(ctx, dst, budget, head)
	default:
		c.startRun()
		return dst, behind, nil
	}
}

// firstPlan is what the cursor gets first, for the metrics.
func (c *cursor) firstPlan() Plan {
	if c.run != nil {
		return Plan{step: stepRun}
	}
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	return Resume(c.mode, c.at, c.topic.bounds())
}

// readTail copies commits from memory. The caller holds the topic's lock.
func (c *cursor) readTail(dst []byte, budget int) []byte {
	defer c.brought()
	if c.pace != nil && !c.skipped {
		c.latestTo = c.topic.head.Version // all at one go
	}
	if c.at.Version < c.latestTo {
		if out, ok := c.readLatest(dst, budget); ok {
			return out
		}
	}
	if c.pace == nil { // it is not late because of anything here
		c.measure()
	}
	for i, commit := range c.topic.tail.after(c.at.Version) {
		if size := len(commit.frame); i > 0 && size > budget {
			break
		}
		budget -= len(commit.frame)
		dst = c.session.form.appendCommit(dst, c.topic.key, commit, c.at.Version, c.deltas && c.at.Version >= c.whole)
		c.session.out += int(commit.to - c.at.Version)
		c.at.Version = commit.to
	}
	return dst
}

// measure samples how far behind cursors are when they are read. The caller holds
// the topic's lock.
func (c *cursor) measure() {
	t := c.topic
	if t.reads++; t.reads%deliverySample != 0 {
		return
	}
	m := c.session.engine.metrics
	m.lag.Observe(float64(t.head.Version - c.at.Version))
	m.delivery.Observe(c.session.engine.clock().Sub(t.published).Seconds())
}

// readLatest gives a cursor that came back, or is read now and then only, the last
// event of each entity up to latestTo. It declines when nothing is superseded and the
// commits serve as they are: those of a cursor with a pace make one frame.
func (c *cursor) readLatest(dst []byte, budget int) ([]byte, bool) {
	to := min(c.latestTo, c.topic.head.Version) // the topic may have begun anew since
	events, all := c.topic.tail.latestOnly(c.at.Version, to, budget)
	every := all && !c.skipped && topics.Version(len(events)) == to-c.at.Version
	if every && (c.pace == nil || len(c.topic.tail.after(c.at.Version)) == 1) {
		return dst, false
	}
	r := frame.Run{Topic: c.topic.key.Name, Epoch: c.at.Epoch, From: c.at.Version, To: to, Target: to, More: !all, Conflated: !every}
	if !all {
		r.To = events[len(events)-1].Version
	}
	c.at.Version, c.skipped = r.To, !all
	c.session.engine.metrics.conflated.Inc()
	c.session.out += len(events)
	return c.session.form.appendEvents(dst, c.topic.key, r, events), true
}

// readLog gives a cursor in every mode the events the tail no longer holds, up to
// head: what the store has beyond it is a commit that has not been answered yet.
func (c *cursor) readLog(ctx context.Context, dst []byte, budget int, head topics.Version) ([]byte, verdict, error) {
	page, err := c.session.engine.store.Read(ctx, c.topic.key, c.at.Version, store.Budget{Bytes: budget})
	if errors.Is(err, store.ErrCompacted) || err == nil && page.Head.Epoch != c.at.Epoch {
		return dst, behind, c.topic.refresh(ctx) // the bounds have moved; decide again
	}
	if err != nil {
		return dst, behind, err
	}
	for len(page.Events) > 1 && page.Events[len(page.Events)-1].Version > head {
		page.Events = page.Events[:len(page.Events)-1]
	}
	if len(page.Events) == 0 {
		return dst, behind, &store.DamageError{Topic: c.topic.key, Version: c.at.Version + 1, Detail: "the log ends before its head"}
	}
	from, last := c.at.Version, page.Events[len(page.Events)-1]
	if got := topics.Version(len(page.Events)); page.Events[0].Version != from+1 || last.Version != from+got {
		return dst, behind, &store.DamageError{Topic: c.topic.key, Version: from + 1, Detail: "the log has a hole"}
	}
	c.at.Version = last.Version
	c.session.out += len(page.Events)
	r := frame.Run{Topic: c.topic.key.Name, Epoch: c.at.Epoch, From: from, To: last.Version, Target: last.End, More: last.Version != last.End}
	return c.session.form.appendEvents(dst, c.topic.key, r, page.Events), behind, nil
}
