package client

import (
	"fmt"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

// asks fails unless the subscription asks for exactly this: "", "from 0", "from e-v".
func asks(t *testing.T, s *Subscription, want string) {
	t.Helper()
	got := ""
	if w, ok := s.Ask(); ok {
		got = "from 0"
		if w.Version != nil {
			got = "from " + topics.Position{Epoch: w.Epoch, Version: *w.Version}.String()
		}
	}
	if got != want {
		t.Errorf("asks %q, want %q", got, want)
	}
}

func subscribed(t *testing.T, version topics.Version) Frame {
	return parse(t, fmt.Sprintf(`{"type":"subscribed","epoch":%q,"version":%d}`, e1, version))
}

func chunk(t *testing.T, from, to topics.Version, more bool, id string) Frame {
	return parse(t, fmt.Sprintf(`{"type":"snapshot","epoch":%q,"version":9,"from":%d,"entities":[{"version":%d,"entity_id":%q,"payload":1}],"to":%d,"more":%v}`, e1, from, to, id, to, more))
}

// P5: after a gap it asks again from where it is, does not believe an older cursor
// meanwhile, and loads again when going on did not help.
func TestSubscriptionRepairs(t *testing.T) {
	s := Subscribe(list, Latest)
	asks(t, s, "from 0")
	asks(t, s, "")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 3, false, "a"))
	if got := s.Apply(events(t, e1, 4, 5, false, "a=2")); got != Gap {
		t.Fatalf("events 4 to 5 at 3: %d, want a gap", got)
	}
	asks(t, s, "from aaaaaaaaaaaaa-3")
	if got := s.Apply(events(t, e1, 3, 5, false, "b=1", "a=2")); got != Ignored {
		t.Errorf("a frame from before the answer was taken in: %d", got)
	}
	s.Apply(subscribed(t, 3))
	s.Apply(events(t, e1, 4, 5, false, "a=2"))
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 5, false, "a"))
	if s.Replica.Consistent != 5 || !s.Following() {
		t.Errorf("it shows %d after it loaded again", s.Replica.Consistent)
	}
}

// A lost piece of a snapshot is a gap like any other.
func TestSubscriptionMissesAPieceOfASnapshot(t *testing.T) {
	s := Subscribe(list, Latest)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 3, true, "a"))
	if got := s.Apply(chunk(t, 5, 9, false, "c")); got != Gap {
		t.Errorf("the piece from 5 at 3: %d, want a gap", got)
	}
	asks(t, s, "from aaaaaaaaaaaaa-3")
}

// Rows of a run that the server began anew are not mixed into the second one.
func TestSubscriptionBeginsARunAnew(t *testing.T) {
	s := Subscribe(list, Latest)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 3, true, "a"))
	s.Apply(subscribed(t, 0)) // the request came twice
	s.Apply(chunk(t, 0, 9, false, "b"))
	if rows := s.Replica.Rows(); len(rows) != 1 || rows["b"].Version != 9 {
		t.Errorf("it shows %v, want b alone", rows)
	}
}

// P4: nor are they when the news of it was lost: the pieces of two runs say where each ends.
func TestSubscriptionBeginsARunAnewUnheard(t *testing.T) {
	s := Subscribe(list, Latest)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 3, true, "a")) // of a run to 9
	next := func(from, to topics.Version, more bool, id string) Effect {
		f := chunk(t, from, to, more, id)
		f.Version = 12
		return s.Apply(f)
	}
	if got := next(4, 12, false, "b"); got != Gap {
		t.Errorf("the end of another run: %d, want a gap", got)
	}
	s.Apply(subscribed(t, 3))
	if got := next(0, 2, true, "c"); got != Staged {
		t.Errorf("the beginning of another run: %d", got)
	}
	next(2, 12, false, "b")
	if rows := s.Replica.Rows(); len(rows) != 2 || rows["a"].Version != 0 || s.Replica.Consistent != 12 {
		t.Errorf("at %d it shows %v, want b and c", s.Replica.Consistent, rows)
	}
}

// A mark beyond the replica means that the end of the log was lost on the way.
func TestSubscriptionFindsALostEnd(t *testing.T) {
	s := Subscribe(list, Every)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 3, false, "a"))
	s.Apply(parse(t, `{"type":"mark","epoch":"aaaaaaaaaaaaa","version":3}`))
	asks(t, s, "")
	s.Apply(parse(t, `{"type":"mark","epoch":"aaaaaaaaaaaaa","version":5}`))
	asks(t, s, "from aaaaaaaaaaaaa-3")
}

// A mark before anything was loaded means that the load was lost, even that of a topic
// without rows.
func TestSubscriptionFindsALostLoad(t *testing.T) {
	s := Subscribe(list, Latest)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(parse(t, `{"type":"mark","epoch":"aaaaaaaaaaaaa","version":0}`))
	asks(t, s, "from 0")
}

// A replica that has shown an empty topic takes a snapshot when the topic has begun.
func TestSubscriptionComesBackToATopicThatWasEmpty(t *testing.T) {
	s := Subscribe(list, Latest)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(parse(t, `{"type":"snapshot","epoch":"bbbbbbbbbbbbb","version":0,"from":0,"entities":[],"to":0,"more":false}`))
	s.Lost()
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	if got := s.Apply(chunk(t, 0, 9, false, "a")); got != Shown || s.Replica.Consistent != 9 {
		t.Errorf("the snapshot of the topic that has begun: %d, it shows %d", got, s.Replica.Consistent)
	}
}

// P4: a run that broke off is complete where it would have ended, whatever goes on with it.
func TestSubscriptionGoesOnWithARunByEvents(t *testing.T) {
	s := Subscribe(list, Every)
	asks(t, s, "from 0")
	s.Apply(subscribed(t, 0))
	s.Apply(chunk(t, 0, 5, true, "a")) // of a run to 9; b, once at 3, is at 8 by now
	s.Lost()
	asks(t, s, "from aaaaaaaaaaaaa-5")
	s.Apply(subscribed(t, 5))
	for v := topics.Version(6); v <= 9; v++ {
		want := Staged
		if v == 9 {
			want = Shown
		}
		if got := s.Apply(events(t, e1, v-1, v, false, fmt.Sprintf("b=%d", v))); got != want {
			t.Errorf("version %d: %d, want %d", v, got, want)
		}
	}
	if rows := s.Replica.Rows(); len(rows) != 2 || string(rows["b"].Payload) != "9" {
		t.Errorf("it shows %v", rows)
	}
}
