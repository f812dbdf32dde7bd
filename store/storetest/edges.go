package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// tenantsNeverMeet: equal and nested names in different tenants are different
// topics, whatever is done to one of them (P8).
func tenantsNeverMeet(t *testing.T, s *harness) {
	var models []*model
	for _, tenant := range []topics.Tenant{"a", "a-", "aa", "ab", "b"} {
		for _, name := range []topics.Name{"t:a", "t:aa", "ta:a", "t:a.a"} {
			m := s.open(t, store.Topic{Tenant: tenant, Name: name})
			s.put(t, m, put("same", string(tenant)+string(name)), put("other", "x"))
			models = append(models, m)
		}
	}
	epochs := map[topics.Epoch]bool{}
	for i, m := range models {
		if epochs[m.head.Epoch] || epochs[m.head.Genesis] {
			t.Errorf("%s shares an epoch", m.topic)
		}
		epochs[m.head.Epoch], epochs[m.head.Genesis] = true, true
		switch i % 3 {
		case 0:
			s.delete(t, m)
		case 1:
			s.compact(t, m, store.Floors{Retention: 2, Tombstones: 2})
		}
	}
	for _, m := range models {
		s.check(t, m)
	}
}

func closeEnds(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("close"), 5)
	if err := s.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	for what, err := range s.everyCall(s.ctx(), m) {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after Close: %v; want ErrClosed", what, err)
		}
	}
	s.reopen(t)
	s.check(t, m)
}

func cancelled(t *testing.T, s *harness) {
	m := s.history(t, topicNamed("cancel"), 5)
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	for what, err := range s.everyCall(ctx, m) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v; want context.Canceled", what, err)
		}
	}
	s.check(t, m)
}

// everyCall makes each call once and returns what it answered.
func (s *harness) everyCall(ctx context.Context, m *model) map[string]error {
	answers := map[string]error{}
	_, answers["Append"] = s.Store.Append(ctx, m.topic, m.commit([]change{put("z", "1")}))
	_, answers["Head"] = s.Store.Head(ctx, m.topic)
	_, answers["Read"] = s.Store.Read(ctx, m.topic, 0, store.Budget{})
	_, answers["Last"] = s.Store.Last(ctx, m.topic, 0, 0, store.Budget{})
	_, _, answers["Row"] = s.Store.Row(ctx, m.topic, "e0")
	_, answers["Lane"] = s.Store.Lane(ctx, m.topic, store.LaneKey{User: "u", Client: "c"})
	_, _, answers["Key"] = s.Store.Key(ctx, m.topic, store.IdempotencyKey{User: "u", Key: "k"})
	answers["Compact"] = s.Store.Compact(ctx, m.topic, store.Floors{Retention: 1})
	answers["Delete"] = s.Store.Delete(ctx, m.topic)
	return answers
}
