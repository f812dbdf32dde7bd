package statesync

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/topics"
)

// P3, P12: a storage call fails and nobody knows what became of the commit. The
// session ends with a bye and without an answer, the store is reopened, and the
// resend settles it: applied once, whether or not the first try was.
func TestUnknownOutcomeIsSettledByTheResend(t *testing.T) {
	for name, fault := range map[string]memory.Fault{"lost": memory.UnknownLost, "applied": memory.UnknownApplied} {
		t.Run(name, func(t *testing.T) {
			disk := memory.New(memory.Options{Fault: func(call uint64) memory.Fault {
				if call == 2 {
					return fault
				}
				return memory.NoFault
			}})
			reopened := make(chan struct{})
			e := New(Options{Store: disk, Reopen: func(context.Context) (store.Store, error) {
				defer close(reopened)
				disk = disk.Reopen()
				return disk, nil
			}})
			h := &house{t: t, engine: e}
			t.Cleanup(func() { _ = e.Close(context.Background()) })
			const one = `{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`
			const two = `{"type":"mutate","client":"c","seq":2,"topic":"gift-list:1","changes":[{"entity_id":"g2","payload":2}]}`
			s := h.open("alice", FormFrames)
			s.say(one)
			s.await(`"status":"applied"`)
			s.say(two)
			lines, err := s.untilEnd()
			if topics.AsError(err).Code != topics.CodeOutcomeUnknown || !strings.Contains(lines, `"type":"bye"`) || strings.Contains(lines, `"seq":2`) {
				t.Fatalf("the session ended with %v and said %s", err, lines)
			}
			<-reopened
			again := h.open("alice", FormFrames)
			again.say(one, two)
			status := map[memory.Fault]string{memory.UnknownLost: `"version":2,"status":"applied"`, memory.UnknownApplied: `"version":2,"status":"duplicate"`}[fault]
			again.await(`"version":1,"status":"duplicate"`, status)
			if got, want := h.rows(gifts), "g1=1@1\ng2=2@2\n"; got != want {
				t.Errorf("rows = %q, want %q", got, want)
			}
		})
	}
}

// untilEnd drains until the session is over.
func (r *reader) untilEnd() (string, error) {
	r.t.Helper()
	var all []byte
	for {
		out, err := r.session.Next(r.t.Context(), nil)
		all = append(all, out...)
		if err != nil {
			return string(all), err
		}
		if len(out) == 0 {
			<-r.woken
		}
	}
}

// A store that cannot be reopened is the end, and is said so.
func TestStoreIsGone(t *testing.T) {
	disk := memory.New(memory.Options{Fault: func(uint64) memory.Fault { return memory.UnknownLost }})
	gone := make(chan error, 1)
	cause := errors.New("the disk is broken")
	e := New(Options{
		Store: disk, StoreGone: func(err error) { gone <- err },
		Reopen: func(context.Context) (store.Store, error) { return nil, cause },
	})
	a, err := e.Mutate(t.Context(), identity("alice"), topics.Mutation{Topic: gifts, Changes: []topics.Change{put("g1", `1`)}})
	if err != nil || a.Reject == nil || a.Reject.Code != topics.CodeOutcomeUnknown {
		t.Errorf("the answer is %+v, %v", a, err)
	}
	if err := <-gone; !errors.Is(err, cause) {
		t.Errorf("StoreGone was told %v", err)
	}
	a, err = e.Mutate(t.Context(), identity("alice"), topics.Mutation{Topic: gifts, Changes: []topics.Change{put("g1", `1`)}})
	if err != nil || a.Reject == nil || a.Reject.Code != topics.CodeUnavailable {
		t.Errorf("afterwards the answer is %+v, %v", a, err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A full disk refuses writes and nothing else; the lane goes on when space is back.
func TestStorageFull(t *testing.T) {
	full := true
	disk := memory.New(memory.Options{Fault: func(uint64) memory.Fault {
		if full {
			return memory.Full
		}
		return memory.NoFault
	}})
	h := &house{t: t, engine: New(Options{Store: disk})}
	t.Cleanup(func() { _ = h.engine.Close(context.Background()) })
	s := h.open("alice", FormFrames)
	const one = `{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`
	s.say(one)
	s.await(`"code":"storage_full"`)
	if got := h.rows(gifts); got != "" {
		t.Errorf("rows = %q", got)
	}
	full = false
	s.say(one)
	s.await(`"status":"applied"`)
}
