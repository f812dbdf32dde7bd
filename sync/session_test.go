package statesync

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// A first load, live events and an acknowledged write, as one conversation. The
// ack stands before the mutation's own event.
func TestConversation(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `{"title":"kite"}`))
	alice := h.open("alice", FormFrames)
	alice.session.Welcome()
	alice.say(`{"type":"subscribe","topics":["gift-list:1"],"client":"c1"}`)
	alice.want(
		`{"type":"welcome","session":"`,
		`{"type":"subscribed","topic":"gift-list:1","epoch":"`,
		`"entities":[{"version":1,"entity_id":"g1","payload":{"title":"kite"},"user_id":"server",`,
	)
	alice.say(`{"type":"mutate","client":"c1","seq":1,"topic":"gift-list:1","changes":[{"op":"patch","entity_id":"g1","payload":{"claimed":true},"if_version":1}]}`)
	lines := alice.await(`{"type":"ack","client":"c1","seq":1,"topic":"gift-list:1"`, `{"type":"events"`)
	event := lines[len(lines)-1]
	for _, part := range []string{
		`"from":1,"to":2`, `"event":"UPDATED"`, `"payload":{"title":"kite","claimed":true}`, `"op":"patch","patch":{"claimed":true}`,
		`"client":"c1","seq":1`, `"more":false`,
	} {
		if !strings.Contains(event, part) {
			t.Errorf("the event lacks %s:\n%s", part, event)
		}
	}
}

// P3: a resend gets the original outcome, whatever it was, and changes nothing.
func TestResendGetsTheOriginalOutcome(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	put := `{"type":"mutate","client":"c1","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`
	same := `{"type":"mutate","client":"c1","seq":2,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`
	stale := `{"type":"mutate","client":"c1","seq":3,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":2,"if_version":7}]}`
	s.say(put, same, stale)
	s.await(`"seq":1,`, `"status":"unchanged"`, `"code":"conflict","field":"changes[0].if_version"`)
	s.say(put, same, stale)
	s.await(`"version":1,"status":"duplicate"`, `"version":1,"status":"unchanged"`, `"code":"conflict"`)
	if got := h.rows(gifts); got != "g1=1@1\n" {
		t.Errorf("rows after the resends: %s", got)
	}
}

// A client that is back hears what was decided of its mutations before it gets the
// topic's first event.
func TestDecidedAnswersComeFirst(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	for seq := range 3 {
		s.say(fmt.Sprintf(`{"type":"mutate","client":"c1","seq":%d,"topic":"gift-list:1","changes":[{"entity_id":"g%d","payload":1}]}`, seq+1, seq))
	}
	s.await(`"seq":1,`, `"seq":2,`, `"seq":3,`)
	s.session.Close()
	back := h.open("alice", FormFrames)
	back.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","oldest_unanswered":2}],"client":"c1"}`)
	back.want(`"subscribed"`, `{"type":"ack","client":"c1","seq":2`, `{"type":"ack","client":"c1","seq":3`, `"type":"snapshot"`)
	other := h.open("bob", FormFrames)
	other.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","oldest_unanswered":1}],"client":"c1"}`)
	other.want(`"subscribed"`, `"type":"snapshot"`)
}

// Lanes: what is refused without using up its seq, and what is final.
func TestLaneRules(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	mutate := func(client string, seq int, rest string) string {
		return fmt.Sprintf(`{"type":"mutate","client":%q,"seq":%d,"topic":"gift-list:1",%s}`, client, seq, rest)
	}
	const one = `"changes":[{"entity_id":"g1","payload":1}]`
	const two = `"changes":[{"entity_id":"g2","payload":1}]`
	s.say(mutate("new", 2, one))
	s.await(`"code":"expired"`) // nothing is known of the lane
	s.say(mutate("c", 1, one), mutate("c", 3, two))
	s.await(`"status":"applied"`, `"code":"gap","field":"seq","message":"is 3; the lane goes on with 2","retry":"later","expected":2`)
	s.say(mutate("c", 1, two))
	s.await(`"code":"seq_reused"`)
	s.say(mutate("c", 2, `"epoch":"aaaaaaaaaaaaa",`+two))
	s.await(`"code":"epoch_changed"`)
	s.say(mutate("c", 2, `"changes":[{"op":"patch","entity_id":"no","payload":{}}]`), mutate("c", 3, `"needs":2,`+two), mutate("c", 4, two))
	s.await(`"code":"not_found"`, `"code":"needs_rejected","field":"needs"`, `"seq":4,`)
}

// A malformed mutation takes its place in its lane, so that the lane goes on.
func TestMalformedMutationIsFinal(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"op":"frob","entity_id":"g1"}]}`,
		`{"type":"mutate","client":"c","seq":2,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`)
	s.await(`"code":"invalid","field":"changes[0].op"`, `"status":"applied"`)
}

// A precondition on an entity that never was is refused without a row to show.
func TestConflictWithoutARow(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"nobody","payload":1,"if_version":3}]}`)
	for _, line := range s.await(`"code":"conflict"`) {
		if _, err := client.ParseFrames([]byte(line)); err != nil {
			t.Errorf("%v: %s", err, line)
		}
	}
}

// What a client that is back is told of earlier decisions stands behind the answers
// that wait for it: those were given before.
func TestAnswersKeepTheirOrder(t *testing.T) {
	h := newHouse(t, Limits{})
	const one = `{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1}]}`
	const two = `{"type":"mutate","client":"c","seq":2,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":2}]}`
	s := h.open("alice", FormFrames)
	s.say(two)
	other := h.open("alice", FormFrames)
	other.say(one)
	other.await(`"status":"applied"`)
	s.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","oldest_unanswered":1}],"client":"c"}`)
	s.await(`"code":"expired"`, `"status":"duplicate"`)
}

// P5: a mark says that nothing more is to come, so none is sent for a cursor that is behind.
func TestMarkOnlyAtTheHead(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	s.drain()
	s.session.Beat()
	s.want(`{"type":"mark","topic":"gift-list:1"`)
	h.do(put("g1", `1`))
	s.session.Beat()
	s.want(`{"type":"pong"}`, `{"type":"events"`)
}

// P4: a mutation of several changes is one commit, or nothing at all.
func TestMutationIsAtomic(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `1`))
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	s.drain()
	s.say(`{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"op":"delete","entity_id":"g1"},{"entity_id":"g2","payload":2},{"op":"none","event":"list.shuffled"}]}`,
		`{"type":"mutate","client":"c","seq":2,"topic":"gift-list:1","changes":[{"entity_id":"g3","payload":3},{"op":"patch","entity_id":"nobody","payload":{}}]}`)
	lines := s.await(`"seq":1,`, `"code":"not_found","field":"changes[1].entity_id"`)
	if _, err := h.engine.WaitVersion(t.Context(), identity("alice"), gifts, 4); err != nil {
		t.Fatal(err) // answers are queued before the tail grows: now it has
	}
	lines = append(lines, s.drain()...)
	events := 0
	for _, line := range lines {
		if strings.Contains(line, `"type":"events"`) {
			events++
			if !strings.Contains(line, `"from":1,"to":4`) {
				t.Errorf("the mutation came apart: %s", line)
			}
		}
	}
	if events != 1 {
		t.Errorf("%d events frames, want 1", events)
	}
	if got, want := h.rows(gifts), "g2=2@3\n"; got != want {
		t.Errorf("rows = %q, want %q", got, want)
	}
}

// P10: coming back costs one event per changed entity, from memory and from disk.
func TestComingBackIsConflated(t *testing.T) {
	for _, limits := range []Limits{{}, {TailCommits: 3}} {
		t.Run(fmt.Sprintf("tail of %d commits", limits.orDefault().TailCommits), func(t *testing.T) {
			h := newHouse(t, limits)
			h.do(put("g1", `0`), put("g2", `0`), put("g3", `0`))
			replica := client.NewReplica()
			s := h.open("alice", FormFrames)
			s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
			feed(t, replica, s.drain())
			s.session.Close()
			for i := range 50 {
				h.do(put("g1", fmt.Sprint(i+1)), custom("tick"))
			}
			h.do(remove("g2"))
			back := h.open("alice", FormFrames)
			back.say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":%d}]}`, replica.Position.Epoch, replica.Position.Version))
			lines := back.drain()
			feed(t, replica, lines)
			if got, want := shown(replica), h.rows(gifts); got != want {
				t.Errorf("replica:\n%sserver:\n%s", got, want)
			}
			rows := strings.Count(strings.Join(lines, ""), `"entity_id":"g`)
			if rows != 2 {
				t.Errorf("%d row events crossed, want 2:\n%s", rows, strings.Join(lines, "\n"))
			}
			customs := uint64(strings.Count(strings.Join(lines, ""), `"event":"tick"`))
			if customs+replica.Dropped != 50 {
				t.Errorf("%d custom events came and %d are said to be dropped; there were 50", customs, replica.Dropped)
			}
		})
	}
}

// back subscribes at where a replica is.
func back(r *client.Replica) string {
	return fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":%d}]}`, r.Position.Epoch, r.Position.Version)
}

// P4: what is conflated in pieces is shown when the last one is there, even if nothing
// is left out of that one.
func TestComingBackInPieces(t *testing.T) {
	h := newHouse(t, Limits{TurnBytes: 600})
	h.do(put("a", `1`))
	replica := client.NewReplica()
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	feed(t, replica, s.drain())
	s.session.Close()
	h.do(put("a", `2`)) // left out of the first piece, for a is at 5
	h.do(put("b", `"`+strings.Repeat("b", 500)+`"`))
	h.do(put("c", `1`))
	h.do(put("a", `3`))
	again := h.open("alice", FormFrames)
	again.say(back(replica))
	for _, line := range again.drain() {
		feed(t, replica, []string{line})
		if got := shown(replica); got != "a=1@1\n" && got != h.rows(gifts) {
			t.Errorf("it shows a state that never was:\n%s", got)
		}
	}
	if got, want := shown(replica), h.rows(gifts); got != want {
		t.Errorf("replica:\n%sserver:\n%s", got, want)
	}
}

// P5: where a cursor came back says nothing about the topic that began anew since.
func TestComingBackToATopicThatBeginsAnew(t *testing.T) {
	h := newHouse(t, Limits{})
	for i := range 9 {
		h.do(put("a", fmt.Sprint(i)))
	}
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","version":0}]}`)
	if err := h.engine.Delete(t.Context(), identity("alice"), gifts); err != nil {
		t.Fatal(err)
	}
	h.do(put("a", `"new"`), put("a", `"newer"`))
	replica := client.NewReplica()
	lines := s.drain()
	feed(t, replica, lines)
	if got, want := shown(replica), "a=\"newer\"@2\n"; got != want || strings.Contains(strings.Join(lines, ""), "resync") {
		t.Errorf("it shows %q, want %q, after\n%s", got, want, strings.Join(lines, "\n"))
	}
}

// P5: a run in pieces shows nothing until it is complete, and commits that come in
// between follow it.
func TestRunInPieces(t *testing.T) {
	h := newHouse(t, Limits{TurnBytes: 256})
	for i := range 40 {
		h.do(put(fmt.Sprintf("g%02d", i), `"something to read"`))
	}
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	replica := client.NewReplica()
	pieces := 0
	for ; replica.Consistent == 0; pieces++ {
		out, err := s.session.Next(t.Context(), nil)
		if err != nil || len(out) == 0 {
			t.Fatalf("the run stopped after %d pieces: %v", pieces, err)
		}
		h.do(put("g00", fmt.Sprintf(`"moved %d"`, pieces)))
		if effect := feed(t, replica, strings.Split(string(out), "\n")); effect == client.Staged && len(replica.Rows()) != 0 {
			t.Fatal("rows were shown before the run was complete")
		}
	}
	if pieces < 5 {
		t.Errorf("the run came in %d pieces; the test needs more", pieces)
	}
	s.catchUp(replica, gifts)
	if got, want := shown(replica), h.rows(gifts); got != want {
		t.Errorf("replica:\n%sserver:\n%s", got, want)
	}
}

// A deleted topic tells its followers to start over; the first writers of a fresh
// topic, who know only its genesis epoch, are welcome.
func TestDeleteAndBeginAnew(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `1`))
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	replica := client.NewReplica()
	feed(t, replica, s.drain())
	if err := h.engine.Delete(t.Context(), identity("alice"), gifts); err != nil {
		t.Fatal(err)
	}
	feed(t, replica, s.await(`"type":"resync"`, `"type":"snapshot"`))
	if got := shown(replica); got != "" {
		t.Errorf("after the deletion: %q", got)
	}
	genesis := replica.Position.Epoch
	h.do(put("g1", `2`))
	s.say(fmt.Sprintf(`{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","epoch":%q,"changes":[{"entity_id":"g2","payload":3}]}`, genesis))
	feed(t, replica, s.await(`"status":"applied"`, `"to":2`))
	if got, want := shown(replica), "g1=2@1\ng2=3@2\n"; got != want {
		t.Errorf("rows = %q, want %q", got, want)
	}
}

// P3: a copy of a mutation that was meant for a topic before its deletion is none of
// the next one's, even if the topic had no events when it was written.
func TestLateCopyAfterADeletion(t *testing.T) {
	h := newHouse(t, Limits{})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	replica := client.NewReplica()
	feed(t, replica, s.drain())
	first := fmt.Sprintf(`{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","epoch":%q,"changes":[{"entity_id":"g1","payload":1}]}`, replica.Position.Epoch)
	s.say(first)
	s.await(`"status":"applied"`)
	if err := h.engine.Delete(t.Context(), identity("alice"), gifts); err != nil {
		t.Fatal(err)
	}
	s.say(first)
	s.await(`"code":"epoch_changed"`)
	if rows := h.rows(gifts); rows != "" {
		t.Errorf("it was applied a second time: %q", rows)
	}
}

// Plain mode starts at the head and says nothing unasked that has no topic.
func TestPlainMode(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `{"title":"kite"}`))
	s := h.open("bob", FormPlain)
	s.say(`{"type":"subscribe","topics":["gift-list:1"]}`, `{"type":"frob"}`)
	s.want(`{"type":"subscribed","topic":"gift-list:1"`, `"code":"unknown_type"`)
	h.do(put("g1", `{"title":"drum"}`))
	got := s.await(`{"topic":"gift-list:1"`)
	want := `{"topic":"gift-list:1","event":"UPDATED","data":{"entity_id":"g1","payload":{"title":"drum"},"user_id":"server","tenant_id":"default","timestamp":"`
	if !strings.HasPrefix(got[0], want) || !strings.HasSuffix(got[0], `"},"trace_id":"","version":2}`) {
		t.Errorf("envelope = %s", got[0])
	}
	flat := h.open("bob", FormFlat)
	flat.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","snapshot":true}]}`)
	flat.want(`"type":"subscribed"`, `{"type":"UPDATED","topic":"gift-list:1","version":2,"entity_id":"g1","title":"drum"}`)
}

// P8: without a grant nothing is told, and a user's own topic is nobody else's.
func TestIsolation(t *testing.T) {
	h := newHouse(t, Limits{})
	h.doOn("user:alice", put("n1", `"secret"`))
	bob := h.open("bob", FormFrames)
	bob.say(`{"type":"subscribe","topics":["user:alice"]}`)
	bob.want(`"code":"forbidden","field":"topic","message":"user:alice needs the grant \"read\", which you do not have"`)
	alice := h.open("alice", FormFrames)
	alice.say(`{"type":"subscribe","topics":["user:alice"]}`)
	alice.await(`"payload":"secret"`)
	other := Identity{Tenant: "other", User: "alice", Grants: AllowAll{}}
	if p, err := h.engine.Position(t.Context(), other, "user:alice"); err != nil || p.Version != 0 {
		t.Errorf("another tenant sees %v, %v", p, err)
	}
}

// Limits at the bound and one step past it (P9).
func TestSessionLimits(t *testing.T) {
	h := newHouse(t, Limits{Topics: 2, PayloadBytes: 10, Changes: 1, MessageBytes: 400})
	s := h.open("alice", FormFrames)
	s.say(`{"type":"subscribe","topics":["a:1","a:2","a:3","a:1"]}`)
	s.await(`"subscribed","topic":"a:1"`, `"subscribed","topic":"a:2"`, `"code":"too_many_topics"`, `"subscribed","topic":"a:1"`)
	mutate := func(seq int, changes string) string {
		return fmt.Sprintf(`{"type":"mutate","client":"c","seq":%d,"topic":"a:1","changes":[%s]}`, seq, changes)
	}
	s.say(mutate(1, `{"entity_id":"x","payload":"12345678"}`))
	s.await(`"status":"applied"`)
	s.say(mutate(2, `{"entity_id":"x","payload":"123456789"}`))
	s.await(`"code":"too_large","field":"changes[0].payload"`)
	s.say(mutate(3, `{"entity_id":"x","payload":1},{"entity_id":"y","payload":1}`))
	s.await(`"code":"too_large","field":"changes"`)
	if err := s.session.Receive(t.Context(), make([]byte, 401)); topics.AsError(err).Code != topics.CodeTooLarge {
		t.Errorf("a message past the bound: %v", err)
	}
}
