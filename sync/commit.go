package statesync

import (
	"context"
	"errors"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// submit puts a mutation into its topic's inbox. It answers by r.reply, once, or
// returns why it cannot be taken; then reply is not called.
func (e *Engine) submit(ctx context.Context, r *request) *topics.Error {
	if r.mutation.Topic == "" {
		return r.refused
	}
	r.hash = mutationHash(r.mutation)
	if hook := e.handlers.hooks.BeforeMutation; hook != nil && r.refused == nil {
		if err := hook(ctx, r.identity, &r.mutation); err != nil {
			r.refused = refusal(err)
		}
	}
	if !e.work.add() {
		return topics.Errorf(topics.CodeUnavailable, "", "the server is closing; send it again to the next one")
	}
	t := e.registry.use(e.key(r.identity, r.mutation.Topic))
	if err := t.enqueue(r, e.limits); err != nil {
		e.registry.release(t)
		e.work.done()
		return err
	}
	return nil
}

// enqueue adds r to the inbox and sees to it that somebody decides it.
func (t *topic) enqueue(r *request, limits Limits) *topics.Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.inbox) >= limits.Inbox {
		return topics.Errorf(topics.CodeOverloaded, "", "%d mutations wait for this topic already; send it again later", limits.Inbox)
	}
	if r.mutation.Seq != 0 {
		lane := r.lane()
		if t.inFlight[lane] >= limits.InFlight {
			return topics.Errorf(topics.CodeTooManyInFlight, "seq", "the lane has %d unanswered mutations; wait for an answer", limits.InFlight)
		}
		t.inFlight[lane]++
	}
	t.inbox = append(t.inbox, r)
	t.decideSoon()
	return nil
}

// decideSoon sees to it that somebody decides what waits. The caller holds t.mu.
func (t *topic) decideSoon() {
	if !t.committing {
		t.committing = true
		go t.commitAll()
	}
}

// commitAll decides and commits until the inbox is empty. It is the topic's only
// goroutine, and there is none while nothing waits.
func (t *topic) commitAll() {
	for {
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

// finish sends one answer. The caller holds t.mu.
func (t *topic) finish(r *request, answer frame.Answer) {
	if r.mutation.Seq != 0 {
		lane := r.lane()
		if t.inFlight[lane]--; t.inFlight[lane] == 0 {
			delete(t.inFlight, lane)
		}
	}
	t.engine.metrics.answered(answer)
	r.reply(answer)
}

// release gives up one use of the topic per answered request.
func (t *topic) release(n int) {
	for range n {
		t.engine.registry.release(t)
		t.engine.work.done()
	}
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

// refuse answers requests with an error that uses up nothing.
func (t *topic) refuse(requests []*request, e *topics.Error) {
	t.mu.Lock()
	for _, r := range requests {
		t.finish(r, rejection(r.mutation, e))
	}
	t.mu.Unlock()
	t.release(len(requests))
}

// storedPast reads what came before a batch: from memory where it is there, from
// the store otherwise.
type storedPast struct {
	ctx   context.Context //nolint:containedctx // lives for one batch
	topic *topic
}

func (p storedPast) Row(entityID string) (store.Event, bool, error) {
	p.topic.mu.Lock()
	recent := p.topic.tail.latest[entityID]
	p.topic.mu.Unlock()
	if recent != nil {
		return recent.Event, true, nil
	}
	return p.topic.engine.store.Row(p.ctx, p.topic.key, entityID)
}

func (p storedPast) Lane(key store.LaneKey) (store.Lane, error) {
	if lane, ok := p.topic.engine.lanes.get(p.topic.key, key); ok {
		return lane, nil
	}
	return p.topic.engine.store.Lane(p.ctx, p.topic.key, key)
}

func (p storedPast) Key(key store.IdempotencyKey) (topics.Outcome, bool, error) {
	return p.topic.engine.store.Key(p.ctx, p.topic.key, key)
}

// topicError is what a client hears of a failed storage call.
func topicError(err error) *topics.Error {
	var ours *topics.Error
	var damage *store.DamageError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &damage):
		return topics.Errorf(topics.CodeDamaged, "topic", "%s is damaged on disk at version %d; the other topics go on", damage.Topic.Name, damage.Version)
	case errors.Is(err, store.ErrFull):
		return topics.Errorf(topics.CodeStorageFull, "", "the server's disk is nearly full; reading goes on, write again later")
	case errors.Is(err, store.ErrOutcomeUnknown):
		return topics.Errorf(topics.CodeOutcomeUnknown, "", "a storage call failed; send the same mutation again to learn what became of it")
	case errors.Is(err, store.ErrClosed), isCancelled(err):
		return topics.Errorf(topics.CodeUnavailable, "", "the server is closing; send it again to the next one")
	}
	return topics.Errorf(topics.CodeUnavailable, "", "the store did not answer; send it again later")
}
