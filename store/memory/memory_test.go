package memory_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Subject {
		now := time.Unix(1_700_000_000, 0)
		s := memory.New(memory.Options{Clock: func() time.Time { return now }})
		return storetest.Subject{
			Store:   s,
			Reopen:  func(*testing.T) store.Store { s = s.Reopen(); return s },
			Advance: func(d time.Duration) { now = now.Add(d) },
		}
	})
}

// A zero Options works inside a bubble of fake time: no goroutine, no real clock.
func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Options{})
		topic := store.Topic{Tenant: "default", Name: "a:1"}
		page, err := s.Last(t.Context(), topic, 0, 0, store.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			appendOne(t, s, topic)
			time.Sleep(store.RunLife)
		}
		if _, err := s.Last(t.Context(), topic, 0, page.At, store.Budget{}); !errors.Is(err, store.ErrRunExpired) {
			t.Errorf("after %v of fake time: %v; want ErrRunExpired", 3*store.RunLife, err)
		}
	})
}

// Rule 8: a timestamp shows its state until it has expired, however the commits after
// it lie in time.
func TestRunShowsItsStateOrExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Options{})
		topic := store.Topic{Tenant: "default", Name: "a:1"}
		appendOne(t, s, topic)
		page, err := s.Last(t.Context(), topic, 0, 0, store.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		appendOne(t, s, topic) // within the same second
		for range 3 {
			time.Sleep(store.RunLife + 10*time.Second)
			appendOne(t, s, topic)
			again, err := s.Last(t.Context(), topic, 0, page.At, store.Budget{})
			if !errors.Is(err, store.ErrRunExpired) && again.Head != page.Head {
				t.Errorf("the run shows %v (%v), and began with %v", again.Head.Position, err, page.Head.Position)
			}
		}
	})
}

// Faults: rule 12. What is there after reopening is what happened.
func TestFaults_P12(t *testing.T) {
	for fault, kept := range map[memory.Fault]bool{memory.UnknownLost: false, memory.UnknownApplied: true} {
		s := memory.New(memory.Options{Fault: func(call uint64) memory.Fault {
			if call == 2 {
				return fault
			}
			return memory.NoFault
		}})
		topic := store.Topic{Tenant: "default", Name: "a:1"}
		first := appendOne(t, s, topic)
		for range 2 {
			if _, err := s.Append(t.Context(), topic, event(first)); !errors.Is(err, store.ErrOutcomeUnknown) {
				t.Fatalf("fault %d: %v; want ErrOutcomeUnknown until reopened", fault, err)
			}
		}
		s = s.Reopen()
		head, err := s.Head(t.Context(), topic)
		if err != nil || (head.Version == 2) != kept {
			t.Errorf("fault %d: version %d after reopening (%v)", fault, head.Version, err)
		}
	}
}

func appendOne(t *testing.T, s store.Store, topic store.Topic) store.Head {
	t.Helper()
	head, err := s.Head(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if head, err = s.Append(t.Context(), topic, event(head)); err != nil {
		t.Fatal(err)
	}
	return head
}

func event(head store.Head) store.Commit {
	v := head.Version + 1
	return store.Commit{Prev: head.Position, Events: []store.Event{{Version: v, End: v, Kind: store.KindCustom, JSON: []byte("{}")}}}
}
