package statesync

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// archive is the past of batches, as their commits make it.
type archive struct {
	head   store.Head
	rows   map[string]store.Event
	lanes  map[store.LaneKey]store.Lane
	events []store.Event
}

func newArchive() *archive {
	return &archive{rows: make(map[string]store.Event), lanes: make(map[store.LaneKey]store.Lane)}
}

func (a *archive) Row(id string) (store.Event, bool, error) {
	e, ok := a.rows[id]
	return e, ok, nil
}

func (a *archive) Lane(key store.LaneKey) (store.Lane, error) { return a.lanes[key], nil }

func (a *archive) Key(store.IdempotencyKey) (topics.Outcome, bool, error) {
	return topics.Outcome{}, false, nil
}

// decide lets one batch decide mutations and keeps what it commits.
func (a *archive) decide(t *rapid.T, list []topics.Mutation) []frame.Answer {
	b := newBatch(a.head, time.Unix(1_700_000_000, 0), Limits{}.orDefault(), a)
	var answers []frame.Answer
	for _, m := range list {
		answer, err := b.decide(&request{mutation: m, identity: identity("user"), hash: mutationHash(m)})
		if err != nil {
			t.Fatalf("deciding %+v: %v", m, err)
		}
		answers = append(answers, answer)
	}
	for i := range b.commit.Events {
		b.commit.Events[i].End = b.head.Version
	}
	if err := b.commit.Check(); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.commit.Events {
		if e.Version != a.head.Version+1 {
			t.Fatalf("P1: version %d follows %d", e.Version, a.head.Version)
		}
		a.head.Version = e.Version
		if e.Kind != store.KindCustom {
			if e.Replaces != a.rows[e.EntityID].Version {
				t.Fatalf("version %d replaces %d; the entry of %s is at %d", e.Version, e.Replaces, e.EntityID, a.rows[e.EntityID].Version)
			}
			a.rows[e.EntityID] = e
		}
	}
	a.events = append(a.events, b.commit.Events...)
	for _, o := range b.commit.Outcomes {
		a.lanes[o.Lane] = a.lanes[o.Lane].With(o.Outcome)
	}
	return answers
}

// drawMutations are mutations of three clients, in their lanes for the most part:
// some are sent again, some come too early, some are others under a seq that is used.
func drawMutations(t *rapid.T) []topics.Mutation {
	sent := make(map[string][]topics.Mutation)
	var list []topics.Mutation
	for range rapid.IntRange(1, 40).Draw(t, "mutations") {
		client := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "client")
		earlier := sent[client]
		m := drawMutation(t, client, uint64(len(earlier)+1))
		switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case kind == 0 && len(earlier) > 0:
			m = rapid.SampledFrom(earlier).Draw(t, "again")
		case kind == 1:
			m.Seq += 3
		case kind == 2 && len(earlier) > 0:
			m.Seq, m.Needs = rapid.Uint64Range(1, uint64(len(earlier))).Draw(t, "reused"), 0
		default:
			sent[client] = append(earlier, m)
		}
		list = append(list, m)
	}
	return list
}

func drawMutation(t *rapid.T, client string, seq uint64) topics.Mutation {
	m := topics.Mutation{Topic: gifts, Client: client, Seq: seq}
	if rapid.IntRange(0, 9).Draw(t, "conditional") == 0 {
		v := topics.Version(rapid.Uint64Range(0, 20).Draw(t, "if_topic_version"))
		m.IfTopicVersion = &v
	}
	if seq > 1 && rapid.IntRange(0, 3).Draw(t, "builds on") == 0 {
		m.Needs = rapid.Uint64Range(1, seq-1).Draw(t, "needs")
	}
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		m.Changes = append(m.Changes, drawChange(t, seq))
	}
	return m
}

func drawChange(t *rapid.T, seq uint64) topics.Change {
	c := topics.Change{
		Op:       rapid.SampledFrom([]topics.Op{topics.OpPut, topics.OpPut, topics.OpPatch, topics.OpDelete, topics.OpNone}).Draw(t, "op"),
		EntityID: fmt.Sprint("e", rapid.IntRange(0, 3).Draw(t, "entity")),
	}
	switch c.Op {
	case topics.OpDelete:
	case topics.OpNone:
		c.Event, c.Payload = "tick", json.RawMessage(`{}`)
	default:
		c.Payload = fmt.Appendf(nil, `{"k%d":%d}`, rapid.IntRange(0, 1).Draw(t, "field"), rapid.IntRange(0, 2).Draw(t, "value"))
	}
	switch rapid.IntRange(0, 7).Draw(t, "precondition") {
	case 0:
		c.IfMatch = &topics.Expect{Version: topics.Version(rapid.Uint64Range(0, 12).Draw(t, "if_version"))}
	case 1:
		c.IfMatch = &topics.Expect{Seq: rapid.Uint64Range(1, seq).Draw(t, "if seq")}
	}
	return c
}

// P1, P3, P4: the core decides as the plain model does, and a mutation that fails
// leaves no trace.
func TestDecideAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model, a := newPlain(), newArchive()
		list := drawMutations(t)
		for i, got := range a.decide(t, list) {
			want := model.decide(list[i])
			var code topics.Code
			if got.Reject != nil {
				code = got.Reject.Code
			}
			decided := want.code != topics.CodeExpired && want.code != topics.CodeGap && want.code != topics.CodeSeqReused
			if got.Status != want.status || code != want.code || decided && got.Version != want.version {
				t.Fatalf("mutation %d, %+v: %s %s at %d; the model says %s %s at %d", i, list[i], got.Status, code, got.Version, want.status, want.code, want.version)
			}
		}
		compareRows(t, model, a)
	})
}

func compareRows(t *rapid.T, model *plain, a *archive) {
	if a.head.Version != model.head {
		t.Fatalf("the head is %d, the model's %d", a.head.Version, model.head)
	}
	for id, e := range a.rows {
		want := model.rows[id]
		var value map[string]int
		if e.Kind == store.KindRow {
			if err := json.Unmarshal(e.PayloadJSON(), &value); err != nil {
				t.Fatal(err)
			}
		}
		if e.Version != want.version || (e.Kind == store.KindTombstone) != want.gone || fmt.Sprint(value) != fmt.Sprint(want.value) {
			t.Fatalf("%s is %v at %d, the model has %+v", id, value, e.Version, want)
		}
	}
	if len(a.rows) != len(model.rows) {
		t.Fatalf("%d entries, the model has %d", len(a.rows), len(model.rows))
	}
}

// Where one commit ends and the next begins changes nothing: not an answer, not a byte
// of an event.
func TestBatchBoundariesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawMutations(t)
		single, grouped := newArchive(), newArchive()
		var one, many []frame.Answer
		for _, m := range list {
			one = append(one, single.decide(t, []topics.Mutation{m})...)
		}
		for rest := list; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "group")
			many = append(many, grouped.decide(t, rest[:n])...)
			rest = rest[n:]
		}
		for i := range list {
			if !sameAnswer(one[i], many[i]) {
				t.Fatalf("mutation %d: alone %+v, in a group %+v", i, one[i], many[i])
			}
		}
		if len(single.events) != len(grouped.events) {
			t.Fatalf("%d events alone, %d in groups", len(single.events), len(grouped.events))
		}
		for i, e := range single.events {
			if other := grouped.events[i]; string(e.JSON) != string(other.JSON) || e.Replaces != other.Replaces || e.Kind != other.Kind {
				t.Fatalf("event %d: alone %s, in a group %s", i, e.JSON, other.JSON)
			}
		}
	})
}

func sameAnswer(a, b frame.Answer) bool {
	if (a.Reject == nil) != (b.Reject == nil) || a.Reject != nil && *a.Reject != *b.Reject {
		return false
	}
	a.Reject, b.Reject = nil, nil
	return a == b
}
