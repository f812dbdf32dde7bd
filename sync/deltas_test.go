package statesync

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

const followDeltas = `{"type":"subscribe","topics":[{"topic":"gift-list:1","deltas":true}]}`

func merge(id, patch string) topics.Change {
	return topics.Change{Op: topics.OpPatch, EntityID: id, Payload: json.RawMessage(patch)}
}

// isDelta reports whether a line has a patch and none of its payloads.
func isDelta(line string) bool {
	return strings.Contains(line, `"patch":`) && !strings.Contains(line, `"payload":`)
}

// A patch comes without the row that it makes to whoever asked for that, and holds the
// row before it; others get both.
func TestDeltas(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `{"title":"kite","tags":["a"]}`))
	alice, bob, plain := h.open("alice", FormFrames), h.open("bob", FormFrames), h.open("carol", FormPlain)
	alice.say(followDeltas)
	bob.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	plain.say(followDeltas)
	replica := client.NewReplica()
	feed(t, replica, alice.drain())
	bob.drain()
	plain.drain()
	h.do(merge("g1", `{"claimed":true}`))
	line := alice.await(`"type":"events"`)[0]
	for _, part := range []string{`"data":{"entity_id":"g1","user_id":"server","timestamp":"`, `"},"op":"patch","patch":{"claimed":true}}],"more":false}`} {
		if !strings.Contains(line, part) {
			t.Errorf("the event lacks %s:\n%s", part, line)
		}
	}
	feed(t, replica, []string{line})
	for _, other := range []*reader{bob, plain} {
		other.await(`"payload":{"title":"kite","tags":["a"],"claimed":true}`)
	}
	h.do(topics.Change{Op: topics.OpJSONPatch, EntityID: "g1", Payload: json.RawMessage(`[{"op":"add","path":"/tags/0","value":"b"}]`)}, put("g2", `{}`), merge("g2", `{"n":1}`), remove("g1"), custom("tick"))
	line = alice.await(`"type":"events"`)[0]
	if got := strings.Count(line, `"payload":`); got != 3 { // put, delete, none
		t.Errorf("%d payloads, want 3:\n%s", got, line)
	}
	feed(t, replica, []string{line})
	if got, want := shown(replica), h.rows(gifts); got != want || replica.Consistent != 7 {
		t.Errorf("replica at %d:\n%sserver:\n%s", replica.Consistent, got, want)
	}
}

// P5: whoever comes back with a position may have stopped in the middle of a run, and
// lack rows that lie below it. Up to the head of that moment it gets no deltas, be it
// in the tail or not.
func TestDeltasAfterAPosition(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("a", `{"n":1}`))
	h.do(put("b", `{"n":2}`))
	h.do(merge("a", `{"m":3}`))
	s := h.open("alice", FormFrames)
	epoch := h.position().Epoch
	s.say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":2,"deltas":true}]}`, epoch))
	if lines := s.drain(); len(lines) != 2 || isDelta(lines[1]) {
		t.Errorf("before the head of the subscription came\n%s", strings.Join(lines, "\n"))
	}
	h.do(merge("a", `{"m":4}`))
	if line := s.await(`"type":"events"`)[0]; !isDelta(line) {
		t.Errorf("after it came %s", line)
	}
	s.session.Rewind(t.Context(), standing(epoch, 3))
	if lines := s.drain(); len(lines) != 2 || isDelta(lines[1]) {
		t.Errorf("where an answer was lost came\n%s", strings.Join(lines, "\n"))
	}
	h.do(merge("a", `{"m":5}`))
	if line := s.await(`"type":"events"`)[0]; !isDelta(line) {
		t.Errorf("whoever is rewound has asked for deltas, and got %s", line)
	}
}

// P4, P5: a run that begins after its subscription, and outlives its moment, has left
// out rows whose patches are yet to come.
func TestDeltasAfterAMixedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range []string{"latest", "every"} {
			h := newHouse(t, Limits{TurnBytes: 200, SnapshotBytes: 1})
			replica := client.NewReplica()
			s := h.open("alice", FormFrames)
			s.say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","mode":%q,"deltas":true}]}`, mode))
			h.do(put("c", `{"n":1}`))
			h.do(put("a", `{"n":2}`))
			h.do(put("b", `{"text":"`+strings.Repeat("b", 200)+`"}`))
			h.do(merge("c", `{"m":4}`)) // its base is not in the run any more
			for replica.Position.Version == 0 {
				out, err := s.session.Next(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				feed(t, replica, strings.Split(string(out), "\n"))
			}
			for i := range 3 { // a store forgets moments when it commits
				pass(store.RunLife)
				h.doOn("doc:1", put("a", fmt.Sprint(i)))
			}
			for !replica.Mixed {
				out, err := s.session.Next(t.Context(), nil)
				if err != nil || len(out) == 0 {
					t.Fatalf("%s: no mixed end: %v", mode, err)
				}
				feed(t, replica, strings.Split(string(out), "\n"))
			}
			s.catchUp(replica, gifts)
			if got, want := shown(replica), h.rows(gifts); got != want {
				t.Errorf("%s: replica:\n%sserver:\n%s", mode, got, want)
			}
			h.do(merge("c", `{"m":5}`))
			if line := s.await(`"type":"events"`)[0]; !isDelta(line) {
				t.Errorf("%s: after it came %s", mode, line)
			}
			s.session.Close()
		}
	})
}

// The bytes of a commit's deltas are made once, and are the frame's own where nothing
// was patched.
func TestDeltasAreShared(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("a", `{"n":1}`))
	h.do(merge("a", `{"m":1}`), put("b", `[]`), merge("a", `{"m":2}`))
	tp := h.engine.registry.use(h.engine.key(identity("alice"), gifts))
	defer h.engine.registry.release(tp)
	plain, patched := tp.tail.commits[0], tp.tail.commits[1]
	if &plain.delta()[0] != &plain.frame[0] {
		t.Error("a commit without patches has a frame of its own for deltas")
	}
	if d := string(patched.delta()); strings.Count(d, `"payload":`) != 1 || !json.Valid([]byte(d)) {
		t.Errorf("the deltas are %s", d)
	}
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { dst = FormFrames.appendCommit(dst[:0], tp.key, patched, 1, true) }); n != 0 {
		t.Errorf("a further cursor costs %v allocations", n)
	}
}
