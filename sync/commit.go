package statesync

import (
	"errors"
	"runtime"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// commitAll decides and commits until the inbox is empty. It is the topic's only
// goroutine, and there is none while nothing waits. Before each commit it lets others
// run: mutations that have arrived, but not been read yet, then share it.
func (t *topic) commitAll() {
	for {
		runtime.Gosched()
		t.mu.Lock()
		if removals := t.removals; len(removals) > 0 {
			t.removals = nil
			t.mu.Unlock()
			t.remove(removals)
			continue
		}
		if len(t.inbox) == 0 {
			t.committing = false
			t.mu.Unlock()
			return
		}
		waiting := t.inbox
		t.inbox = nil
		err := t.load(t.engine.lifetime)
		head := t.head
		t.mu.Unlock()
		if err != nil {
			t.refuse(waiting, topicError(err))
			continue
		}
		rest := t.commitSome(waiting, head)
		t.mu.Lock()
		t.inbox = append(rest, t.inbox...)
		t.mu.Unlock()
	}
}

// decided is a mutation with its answer, which may be sent once the commit is durable.
type decided struct {
	request *request
	answer  frame.Answer
}

// commitSome decides as many requests as fit into one commit, makes it durable and
// answers them. It returns those that did not fit.
func (t *topic) commitSome(waiting []*request, head store.Head) []*request {
	ctx := t.engine.lifetime
	b := newBatch(head, t.engine.clock(), t.engine.limits, storedPast{ctx: ctx, topic: t})
	b.mutators = t.engine.handlers.mutator
	var done []decided
	for len(waiting) > 0 && !b.full() {
		r := waiting[0]
		waiting = waiting[1:]
		answer, err := b.decide(r)
		if err != nil {
			t.engine.log.Error("a mutation could not be decided", "topic", t.key.String(), "trace_id", r.mutation.TraceID, "error", err)
			answer = rejection(r.mutation, topicError(err))
		}
		done = append(done, decided{r, answer})
	}
	for _, cause := range b.panics {
		t.engine.log.Error("a mutator failed", "topic", t.key.String(), "error", cause)
	}
	if b.empty() {
		if t.outlived(head) {
			return append(undecided(done), waiting...)
		}
		t.publish(head.Version, head, nil, done)
		return waiting
	}
	for i := range b.commit.Events {
		b.commit.Events[i].End = b.head.Version
	}
	begun := t.engine.clock()
	next, err := t.engine.store.Append(ctx, t.key, b.commit)
	if err != nil {
		t.failed(done, err)
		return waiting
	}
	t.engine.metrics.committed(len(b.commit.Events), t.engine.clock().Sub(begun))
	t.engine.lanes.keep(t.key, b.lanes)
	var c *commit
	if len(b.commit.Events) > 0 {
		c = newCommit(t.key.Name, next.Epoch, head.Version, b.commit.Events)
	}
	t.publish(head.Version, next, c, done)
	return waiting
}

// outlived reports whether the store was replaced since the head was read that a batch
// was decided on: its lanes may be those of the next store.
func (t *topic) outlived(head store.Head) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.replaced != t.engine.disk.replaced.Load() || t.head.Position != head.Position
}

// undecided are the requests of decisions that do not count.
func undecided(done []decided) []*request {
	requests := make([]*request, len(done))
	for i := range done {
		requests[i] = done[i].request
	}
	return requests
}

// publish makes a durable commit on the version from visible: answers first, then the tail, then the
// wakes, all under the topic's lock, so that no reader sees one without the others.
func (t *topic) publish(from topics.Version, head store.Head, c *commit, done []decided) {
	t.mu.Lock()
	for _, d := range done {
		if d.answer.Reject == nil || d.answer.Reject.Code != topics.CodeEpochChanged {
			d.answer.Epoch = head.Epoch
		}
		t.finish(d.request, d.answer)
	}
	if from == t.tail.end() { // otherwise the topic was reloaded, and has the commit
		head.Floors = t.laterFloors(head.Floors)
		t.head = head
		if c != nil {
			t.tail.append(c, t.engine.limits)
			t.published = t.engine.clock()
			t.wakeAll()
		}
	}
	t.mu.Unlock()
	if hook := t.engine.handlers.hooks.AfterMutation; hook != nil {
		for _, d := range done {
			hook(d.request.identity, d.request.mutation, d.answer)
		}
	}
	t.release(len(done))
}

// laterFloors keeps what compaction raised while the commit was under way.
func (t *topic) laterFloors(f store.Floors) store.Floors {
	return store.Floors{Retention: max(f.Retention, t.head.Retention), Tombstones: max(f.Tombstones, t.head.Tombstones)}
}

// failed answers mutations whose commit did not happen, or may not have.
func (t *topic) failed(done []decided, err error) {
	t.engine.lanes.forget(t.key)
	t.engine.log.Error("commit failed", "topic", t.key.String(), "error", err)
	t.mu.Lock()
	t.loaded = t.loaded && !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrOutcomeUnknown)
	t.mu.Unlock()
	t.refuse(undecided(done), topicError(err))
	if errors.Is(err, store.ErrOutcomeUnknown) {
		t.engine.storeFailed(err)
	}
}
