package statesync

import (
	"errors"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// past is what a decision reads of what came before the commit under way.
type past interface {
	Row(entityID string) (store.Event, bool, error)
	Lane(key store.LaneKey) (store.Lane, error)
	Key(key store.IdempotencyKey) (topics.Outcome, bool, error)
}

// batch decides mutations one after the other, each against the state that its
// predecessors in the batch leave behind, and gathers the one commit they make. It
// does no I/O of its own and reads no clock.
type batch struct {
	head    topics.Position
	genesis topics.Epoch
	now     time.Time
	limits  Limits
	past    past
	// mutators finds a named mutator; nil when there is none of that name.
	mutators func(name string) Mutator

	// The overlay: what the batch has changed so far.
	rows  map[string]store.Event
	lanes map[store.LaneKey]store.Lane
	keys  map[store.IdempotencyKey]topics.Outcome

	commit store.Commit
	bytes  int     // of the events' JSON
	panics []error // of mutators, for the log
}

func newBatch(head store.Head, now time.Time, limits Limits, p past) *batch {
	return &batch{
		head: head.Position, genesis: head.Genesis, now: now.UTC().Truncate(time.Millisecond), limits: limits, past: p,
		rows: make(map[string]store.Event), lanes: make(map[store.LaneKey]store.Lane), keys: make(map[store.IdempotencyKey]topics.Outcome),
		commit: store.Commit{Prev: head.Position, Millis: now.UnixMilli()},
	}
}

// empty reports whether there is nothing to make durable.
func (b *batch) empty() bool {
	return len(b.commit.Events) == 0 && len(b.commit.Outcomes) == 0 && len(b.commit.Keys) == 0
}

// full reports whether the next mutation should wait for the next commit.
func (b *batch) full() bool {
	return len(b.commit.Events) >= b.limits.CommitEvents || b.bytes >= b.limits.CommitBytes ||
		len(b.commit.Outcomes) >= b.limits.CommitEvents || len(b.commit.Keys) >= b.limits.CommitEvents
}

// decide answers one mutation and adds what it changes to the batch. An error means
// that the past could not be read; the batch is as it was.
func (b *batch) decide(r *request) (frame.Answer, error) {
	answer := frame.Answer{
		Topic: r.mutation.Topic, Epoch: b.head.Epoch, Client: r.mutation.Client, Seq: r.mutation.Seq, TraceID: r.mutation.TraceID,
	}
	earlier, settled, err := b.settled(r)
	if err != nil {
		return rejected(answer, err)
	}
	if settled {
		return replay(answer, earlier), nil
	}
	events, err := b.evaluate(r)
	outcome := topics.Outcome{Seq: r.mutation.Seq, Hash: r.hash, Millis: b.now.UnixMilli()}
	var reject *topics.Error
	switch {
	case err != nil && !errors.As(err, &reject):
		return answer, err
	case err != nil && reject.Code.Meaning().Retry != topics.RetryNever:
		return rejected(answer, err)
	case err != nil:
		outcome.Status, outcome.Reject = topics.StatusRejected, reject
		answer.EntityID = entityOf(r.mutation, reject)
	case len(events) == 0:
		outcome.Status = topics.StatusUnchanged
	default:
		outcome.Status = topics.StatusApplied
		b.apply(events)
	}
	outcome.Version = b.head.Version
	b.record(r, outcome)
	answer.Status, answer.Version, answer.Reject = outcome.Status, outcome.Version, outcome.Reject
	return answer, nil
}

// rejected turns an error of ours into an answer that uses up nothing; any other
// error is passed on.
func rejected(answer frame.Answer, err error) (frame.Answer, error) {
	var e *topics.Error
	if !errors.As(err, &e) {
		return answer, err
	}
	answer.Status, answer.Reject = topics.StatusRejected, e
	return answer, nil
}

// evaluate checks permission, limits and preconditions and computes the events.
func (b *batch) evaluate(r *request) ([]store.Event, error) {
	m := &r.mutation
	if r.refused != nil {
		return nil, r.refused
	}
	if err := r.identity.check(ActionWrite, m.Topic); err != nil {
		return nil, err
	}
	if len(m.Changes) == 0 && m.Name == "" {
		return nil, topics.Errorf(topics.CodeInvalid, "changes", "is empty; a mutation has at least one change")
	}
	if most := b.limits.Changes; len(m.Changes) > most {
		return nil, topics.Errorf(topics.CodeTooLarge, "changes", "has %d changes; at most %d", len(m.Changes), most)
	}
	if m.IfTopicVersion != nil && *m.IfTopicVersion != b.head.Version {
		return nil, topics.Errorf(topics.CodeConflict, "if_topic_version", "is %d; the topic is at %d", *m.IfTopicVersion, b.head.Version)
	}
	if err := b.checkNeeds(r); err != nil {
		return nil, err
	}
	tx := newTransaction(b, r)
	if m.Name != "" {
		return tx.runMutator(b.mutators)
	}
	return tx.run()
}

// checkNeeds rejects a mutation together with the one it builds on.
func (b *batch) checkNeeds(r *request) error {
	needs := r.mutation.Needs
	if needs == 0 {
		return nil
	}
	lane, err := b.lane(r.lane())
	if err != nil {
		return err
	}
	if o, ok := lane.Find(needs); ok && o.Status == topics.StatusRejected {
		return topics.Errorf(topics.CodeNeeds, "needs", "mutation %d was rejected (%s), and this one builds on it", needs, o.Reject.Code)
	}
	return nil
}

// apply moves head and overlay past events.
func (b *batch) apply(events []store.Event) {
	b.head.Version += topics.Version(len(events))
	b.commit.Events = append(b.commit.Events, events...)
	for _, e := range events {
		b.bytes += len(e.JSON)
		if e.Kind != store.KindCustom {
			b.rows[e.EntityID] = e
		}
	}
}

// row is the entity's entry as the batch leaves it; ok is false when it never was.
func (b *batch) row(entityID string) (store.Event, bool, error) {
	if e, ok := b.rows[entityID]; ok {
		return e, true, nil
	}
	return b.past.Row(entityID)
}

// lane is the lane as the batch leaves it.
func (b *batch) lane(key store.LaneKey) (store.Lane, error) {
	if lane, ok := b.lanes[key]; ok {
		return lane, nil
	}
	lane, err := b.past.Lane(key)
	if err == nil {
		b.lanes[key] = lane
	}
	return lane, err
}
