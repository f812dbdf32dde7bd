package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// lanesKeepTheLast: after any number of mutations the last MaxInFlight outcomes are
// there, contiguous, and lanes with alike names do not meet (P3).
func lanesKeepTheLast(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("lanes"))
	lanes := []store.LaneKey{{User: "u", Client: "c"}, {User: "uc", Client: ""}, {User: "u", Client: "c2"}, {User: "", Client: "uc"}}
	for n := uint64(1); n <= topics.MaxInFlight+20; n++ {
		c := m.commit([]change{put("a", fmt.Sprint(n))})
		for i, lane := range lanes {
			if n%uint64(i+1) == 0 {
				c.Outcomes = append(c.Outcomes, store.LaneOutcome{Lane: lane, Outcome: outcome(m.lanes[lane].Last()+1, c.Events[0].Version)})
			}
		}
		s.append(t, m, c)
		if n%16 == 1 || n > topics.MaxInFlight+18 {
			s.check(t, m)
		}
	}
	long := m.lanes[lanes[0]]
	if len(long.Outcomes) != topics.MaxInFlight || long.Last() != topics.MaxInFlight+20 {
		t.Fatalf("the model keeps %d outcomes up to %d", len(long.Outcomes), long.Last())
	}
	s.reopen(t)
	s.check(t, m)
	s.sameLane(t, m.topic, store.LaneKey{User: "nobody", Client: "c"}, store.Lane{})

	burst := m.commit()
	for range topics.MaxInFlight + 6 {
		seq := m.lanes[lanes[1]].Last() + uint64(len(burst.Outcomes)) + 1
		burst.Outcomes = append(burst.Outcomes, store.LaneOutcome{Lane: lanes[1], Outcome: outcome(seq, m.head.Version)})
	}
	s.append(t, m, burst)
	s.check(t, m)
}

// outcomeOnly: a commit without events records outcomes, at version 0 too, where it
// begins the incarnation.
func outcomeOnly(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("decided"))
	lane := store.LaneKey{User: "u", Client: "c"}
	for seq := uint64(1); seq <= 3; seq++ {
		c := m.commit()
		c.Outcomes = []store.LaneOutcome{{Lane: lane, Outcome: outcome(seq, 0)}}
		h := s.append(t, m, c)
		if h.Version != 0 || h.Epoch == h.Genesis {
			t.Fatalf("after outcome %d the head is %+v; want version 0 of a new epoch", seq, h)
		}
		s.check(t, m)
	}
	s.reopen(t)
	s.check(t, m)
	s.put(t, m, put("a", "1"))
	s.check(t, m)
	s.delete(t, m)
	s.sameLane(t, m.topic, lane, store.Lane{})
}

// rejectsComeBack: a stored rejection is the whole answer, so that a resend hears
// the same words.
func rejectsComeBack(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("rejects"))
	c := m.commit()
	for i, reject := range []*topics.Error{
		{Code: topics.CodeInvalid},
		{Code: topics.CodeConflict, Field: "changes[2].if_version", Message: "the row is at 9 — “später”"},
		{Code: topics.CodeNeeds, Field: "needs", Message: "x", RetryAfter: 1500 * time.Millisecond, Expected: 7},
	} {
		o := outcome(uint64(i+1), 0)
		o.Status, o.Reject = topics.StatusRejected, reject
		c.Outcomes = append(c.Outcomes, store.LaneOutcome{Lane: store.LaneKey{User: "u", Client: "c"}, Outcome: o})
	}
	unchanged := outcome(4, 0)
	unchanged.Status = topics.StatusUnchanged
	c.Outcomes = append(c.Outcomes, store.LaneOutcome{Lane: store.LaneKey{User: "u", Client: "c"}, Outcome: unchanged})
	s.append(t, m, c)
	s.check(t, m)
	s.reopen(t)
	s.check(t, m)
}

func keysComeBack(t *testing.T, s *harness) {
	m := s.open(t, topicNamed("keys"))
	for n := range 20 {
		c := m.commit([]change{put("a", fmt.Sprint(n))})
		c.Keys = []store.KeyOutcome{
			{Key: store.IdempotencyKey{User: "u", Key: fmt.Sprint("k", n)}, Outcome: outcome(0, c.Events[0].Version)},
			{Key: store.IdempotencyKey{User: "uk", Key: fmt.Sprint(n)}, Outcome: outcome(0, 1)},
		}
		s.append(t, m, c)
	}
	s.check(t, m)
	s.reopen(t)
	s.check(t, m)
	if _, ok, err := s.Store.Key(s.ctx(), m.topic, store.IdempotencyKey{User: "v", Key: "k1"}); ok || err != nil {
		t.Errorf("another user finds the key (%v)", err)
	}
}
