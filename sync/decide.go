package statesync

import (
	"errors"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// request is one mutation on its way to its answer.
type request struct {
	mutation topics.Mutation
	identity Identity
	refused  *topics.Error // it is malformed, or a hook refused it; it takes its place in its lane all the same
	reply    func(frame.Answer)
	hash     uint64
}

func (r *request) lane() store.LaneKey {
	return store.LaneKey{User: r.identity.User, Client: r.mutation.Client}
}

func (r *request) key() store.IdempotencyKey {
	return store.IdempotencyKey{User: r.identity.User, Key: r.mutation.Key}
}

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

// replay is the original outcome, told again (P3).
func replay(answer frame.Answer, o topics.Outcome) frame.Answer {
	answer.Status, answer.Version, answer.Reject = o.Status, o.Version, o.Reject
	if o.Status == topics.StatusApplied {
		answer.Status = topics.StatusDuplicate
	}
	return answer
}

// settled looks the mutation up by its identity. It returns the recorded outcome,
// or false when the mutation is new and next in its lane, or why it is neither.
func (b *batch) settled(r *request) (topics.Outcome, bool, error) {
	m := r.mutation
	if m.Epoch != "" && m.Epoch != b.head.Epoch && m.Epoch != b.genesis {
		return topics.Outcome{}, false, topics.Errorf(topics.CodeEpochChanged, "epoch",
			"the topic was deleted and begun anew since; load it again and decide afresh")
	}
	switch {
	case m.Seq != 0:
		return b.settledInLane(r)
	case m.Key != "":
		return b.settledByKey(r)
	}
	return topics.Outcome{}, false, nil
}

func (b *batch) settledInLane(r *request) (topics.Outcome, bool, error) {
	lane, err := b.lane(r.lane())
	if err != nil {
		return topics.Outcome{}, false, err
	}
	seq, last := r.mutation.Seq, lane.Last()
	switch {
	case seq == last+1:
		return topics.Outcome{}, false, nil
	case last == 0:
		return topics.Outcome{}, false, topics.Errorf(topics.CodeExpired, "client",
			"nothing is known of this client's earlier mutations on the topic; take a new client id and decide what to do with those unanswered")
	case seq > last:
		e := topics.Errorf(topics.CodeGap, "seq", "is %d; the lane goes on with %d", seq, last+1)
		e.Expected = last + 1
		return topics.Outcome{}, false, e
	}
	o, kept := lane.Find(seq)
	if !kept {
		return topics.Outcome{}, false, topics.Errorf(topics.CodeExpired, "seq", "is older than the last %d outcomes, which are all that is kept", topics.MaxInFlight)
	}
	if o.Hash != r.hash {
		return topics.Outcome{}, false, topics.Errorf(topics.CodeSeqReused, "seq", "%d was another mutation; a seq names one mutation for ever", seq)
	}
	return o, true, nil
}

func (b *batch) settledByKey(r *request) (topics.Outcome, bool, error) {
	o, ok := b.keys[r.key()]
	if !ok {
		var err error
		if o, ok, err = b.past.Key(r.key()); err != nil || !ok {
			return topics.Outcome{}, false, err
		}
	}
	if o.Hash != r.hash {
		return topics.Outcome{}, false, topics.Errorf(topics.CodeKeyReused, "Idempotency-Key", "was used for another mutation; take a new key")
	}
	return o, true, nil
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

// record puts the outcome where a resend will find it.
func (b *batch) record(r *request, o topics.Outcome) {
	switch {
	case r.mutation.Seq != 0:
		key := r.lane()
		b.lanes[key] = extend(b.lanes[key], o)
		b.commit.Outcomes = append(b.commit.Outcomes, store.LaneOutcome{Lane: key, Outcome: o})
	case r.mutation.Key != "":
		b.keys[r.key()] = o
		b.commit.Keys = append(b.commit.Keys, store.KeyOutcome{Key: r.key(), Outcome: o})
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

// entityOf is the entity whose row explains a rejection, when one change is at fault.
func entityOf(m topics.Mutation, e *topics.Error) string {
	if e.Code != topics.CodeConflict && e.Code != topics.CodePatchFailed {
		return ""
	}
	if i, ok := changeIndex(e.Field); ok && i < len(m.Changes) {
		return m.Changes[i].EntityID
	}
	return ""
}
