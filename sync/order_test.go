package statesync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// An ack never follows its own event: a cursor that is about to read the tail while
// answers are queued lets them go first.
func TestAnswersGoBeforeTheTail(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `1`))
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	s.drain()
	h.do(put("g1", `2`))
	if _, err := h.engine.WaitVersion(t.Context(), identity("alice"), gifts, 2); err != nil {
		t.Fatal(err)
	}
	s.session.ready.pushAnswer(frame.Answer{Topic: gifts, Client: "c", Seq: 1, Status: topics.StatusApplied, Version: 2}, false)
	out, next, err := s.session.cursors.of(gifts).read(t.Context(), nil, 1000)
	if err != nil || next != answersFirst || len(out) > 0 {
		t.Errorf("the cursor read %q (%v, %v) while an answer was queued", out, next, err)
	}
	s.want(`{"type":"ack"`, `"from":1,"to":2`)
}

// P6: a commit that is durable but not answered yet is not shown by a run that begins
// now: its ack would come after it.
func TestRunWaitsForWhatIsNotAnswered(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `1`))
	at, err := h.engine.WaitVersion(t.Context(), identity("alice"), gifts, 1)
	if err != nil {
		t.Fatal(err)
	}
	e := frame.Event(topics.Event{Version: 2, Name: "ADDED", EntityID: "g2", Payload: []byte(`2`)})
	e.Kind, e.End = store.KindRow, 2
	key := store.Topic{Tenant: topics.DefaultTenant, Name: gifts}
	if _, err := h.store.Append(t.Context(), key, store.Commit{Prev: at, Events: []store.Event{e}, Millis: 1}); err != nil {
		t.Fatal(err)
	}
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	s.want(`"type":"subscribed"`)
}

// P4: what is conflated in pieces is shown with the last one, also where the rest of it
// has nothing superseded and could be sent commit by commit.
func TestRestOfAConflatedCatchUpIsNotShownByCommits(t *testing.T) {
	h := newHouse(t, Limits{TurnBytes: 400})
	h.do(put("a", `0`), put("b", `0`))
	replica := client.NewReplica()
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	feed(t, replica, s.drain())
	s.session.Close()
	h.do(put("a", `1`)) // superseded by the last one
	h.do(put("b", `"`+strings.Repeat("x", 600)+`"`))
	h.do(put("c", `1`))
	h.do(put("a", `2`))
	if _, err := h.engine.WaitVersion(t.Context(), identity("alice"), gifts, 6); err != nil {
		t.Fatal(err)
	}
	back := h.open("alice", FormFrames)
	back.say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":2}]}`, replica.Position.Epoch))
	for _, line := range back.drain() {
		feed(t, replica, []string{line})
		if strings.Contains(line, `"more":false`) && !strings.Contains(line, `"to":6`) {
			t.Errorf("this is to be shown, without what was left out before it:\n%s", line)
		}
	}
	if got, want := shown(replica), h.rows(gifts); got != want {
		t.Errorf("replica %q, server %q", got, want)
	}
}
