package server_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// session is a recorded editing session of two authors.
type session struct {
	EndContent string        `json:"endContent"`
	Txns       []transaction `json:"txns"`
}

// transaction is one step of an author, on top of the steps it knew of.
type transaction struct {
	Parents []int   `json:"parents"`
	Agent   int     `json:"agent"`
	Patches [][]any `json:"patches"` // position, characters deleted, text inserted

	knows [2]int // the newest step of each author that it knew of; -1: none
}

func readSession(t *testing.T) *session {
	t.Helper()
	unpacked, err := gzip.NewReader(testdata.Open(t, testdata.Friends))
	if err != nil {
		t.Fatal(err)
	}
	var s session
	if err := json.NewDecoder(unpacked).Decode(&s); err != nil {
		t.Fatal(err)
	}
	for i := range s.Txns {
		x := &s.Txns[i]
		x.knows = [2]int{-1, -1}
		for _, p := range x.Parents {
			knew := s.Txns[p].knows
			knew[s.Txns[p].Agent] = p
			x.knows[0], x.knows[1] = max(x.knows[0], knew[0]), max(x.knows[1], knew[1])
		}
	}
	return &s
}

func (x transaction) edits() []edit {
	var list []edit
	for _, p := range x.Patches {
		at, deleted, inserted := int(p[0].(float64)), int(p[1].(float64)), p[2].(string) //nolint:errcheck,forcetypeassert // the file is what it is
		if deleted > 0 {
			list = append(list, edit{At: at, Delete: deleted, agent: x.Agent})
		}
		if inserted != "" {
			list = append(list, edit{At: at, Insert: inserted, agent: x.Agent})
		}
	}
	return list
}

// step is what an author commits: a transaction, as it is on top of all before it.
type step struct {
	Txn   int    `json:"txn"`
	Agent int    `json:"agent"`
	Edits []edit `json:"edits"`
}

func parseStep(e client.Event) (step, error) {
	var s step
	if err := json.Unmarshal(e.Data.Payload, &s); err != nil {
		return s, err
	}
	for i := range s.Edits {
		s.Edits[i].agent = s.Agent
	}
	return s, nil
}

// TestFriends_P1_P7 plays a real editing session of two people, who write at the same
// time and rebase what was too late: all see one order and end with the text that
// they ended with.
func TestFriends_P1_P7(t *testing.T) {
	if testing.Short() {
		t.Skip("a long session")
	}
	t.Parallel()
	s := readSession(t)
	if underRace { // a part of it, which ends with a text that nobody wrote down
		s.Txns, s.EndContent = s.Txns[:2000], ""
	}
	h := open(t)
	h.do("GET", "/v1/topics/doc:friends", "").want(200)
	ctx, cancel := context.WithTimeout(t.Context(), 15*patient)
	defer cancel()
	authors := [2]*author{}
	for i := range authors {
		authors[i] = &author{t: h.t, agent: i, session: s, conn: h.friend(ctx, fmt.Sprint("agent", i)), versions: make(map[int]topics.Version)}
	}
	readers := map[string]*reader{}
	ended := make(chan error)
	start := func(name string, f func(*reader) error) {
		r := &reader{t: h.t, goal: len(s.Txns)}
		readers[name] = r
		go func() {
			err := f(r)
			if errors.Is(err, errDone) {
				err = nil
			}
			if err != nil {
				err = fmt.Errorf("%s at %d: %w", name, r.at, err)
			}
			ended <- err
		}()
	}
	start("websocket", func(r *reader) error { return h.readFriend(ctx, h.friend(ctx, "reader"), r) })
	start("stream", func(r *reader) error { return h.streamFriend(ctx, r) })
	start("poll", func(r *reader) error { return h.pollFriend(ctx, r) })
	for _, a := range authors {
		go func() { ended <- a.run(ctx) }()
	}
	for range len(authors) + len(readers) {
		if err := <-ended; err != nil {
			t.Error(err)
			cancel()
		}
	}
	start("late", func(r *reader) error { return h.pollFriend(ctx, r) })
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for name, r := range readers {
		if underRace {
			s.EndContent = string(readers["late"].text)
		}
		if string(r.text) != s.EndContent {
			t.Errorf("%s ends with another text", name)
		}
		if fmt.Sprint(r.order) != fmt.Sprint(readers["late"].order) {
			t.Errorf("%s has seen another order", name)
		}
	}
	rejected := authors[0].rejected + authors[1].rejected
	t.Logf("%d steps, %d rejected and rebased", len(s.Txns), rejected)
	if rejected <= 2000 && !underRace {
		t.Errorf("only %d commits were rejected", rejected)
	}
}
