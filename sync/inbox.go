package statesync

import (
	"context"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// submit puts a mutation into its topic's inbox. It answers by r.reply, once, or
// returns why it cannot be taken; then reply is not called.
func (e *Engine) submit(ctx context.Context, r *request) *topics.Error {
	if r.mutation.Topic == "" {
		return r.refused
	}
	if err := e.checkType(r.mutation.Topic); err != nil {
		return err // it has no lane: nothing is kept of a topic that cannot be
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
			return topics.Errorf(topics.CodeTooManyInFlight, "seq", "%d has to wait: the lane has %d unanswered mutations; send it again after an answer", r.mutation.Seq, limits.InFlight)
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

// refuse answers requests with an error that uses up nothing.
func (t *topic) refuse(requests []*request, e *topics.Error) {
	t.mu.Lock()
	for _, r := range requests {
		t.finish(r, rejection(r.mutation, e))
	}
	t.mu.Unlock()
	t.release(len(requests))
}
