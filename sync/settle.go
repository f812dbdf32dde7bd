package statesync

import (
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

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

// replay is the original outcome, told again (P3).
func replay(answer frame.Answer, o topics.Outcome) frame.Answer {
	answer.Status, answer.Version, answer.Reject = o.Status, o.Version, o.Reject
	if o.Status == topics.StatusApplied {
		answer.Status = topics.StatusDuplicate
	}
	return answer
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
