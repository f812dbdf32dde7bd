package client

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

// box is an outbox in a table: what it sends and settles, as text.
type box struct {
	*Outbox
	t *testing.T
}

func newBox(t *testing.T) *box { return &box{NewOutbox(ids()), t} }

func (b *box) add(n int, e topics.Epoch, v topics.Version) {
	for range n {
		b.Add(mutation(topics.Change{Op: topics.OpNone, Event: "tick"}), at(e, v))
	}
}

// sends fails unless Take gives exactly these: "c1.1 c1.2".
func (b *box) sends(want string) {
	b.t.Helper()
	var got []string
	for _, m := range b.Take() {
		got = append(got, fmt.Sprintf("%s.%d", m.Client, m.Seq))
	}
	if text := strings.Join(got, " "); text != want {
		b.t.Errorf("sends %q, want %q", text, want)
	}
}

// hears fails unless the answer settles exactly these: "c1.1 applied", "c1.2 conflict",
// "c1.3 unknown"; a pause is "pause".
func (b *box) hears(f Frame, want string) {
	b.t.Helper()
	settled, pause := b.Answer(f)
	var got []string
	for _, s := range settled {
		word := s.Status.String()
		switch {
		case s.Unknown:
			word = "unknown"
		case s.Code != "":
			word = string(s.Code)
		}
		got = append(got, fmt.Sprintf("%s.%d %s", s.Mutation.Client, s.Mutation.Seq, word))
	}
	if pause != nil {
		got = append(got, "pause")
	}
	if text := strings.Join(got, ", "); text != want {
		b.t.Errorf("%s of %s.%d settles %q, want %q", f.Type, f.Client, f.Seq, text, want)
	}
}

// P9: at most Window mutations have no answer; the next one goes when one is answered.
func TestOutboxPaces(t *testing.T) {
	b := newBox(t)
	b.Window = 2
	b.add(3, e1, 1)
	b.sends("c1.1 c1.2")
	b.sends("")
	b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
	b.sends("c1.3")
	if NewOutbox(ids()).Window != topics.MaxInFlight {
		t.Error("the window is not the protocol's")
	}
}

// P3: what has no answer goes again in order; answers that come twice are not heard.
func TestOutboxSendsAgainAfterALoss(t *testing.T) {
	b := newBox(t)
	b.add(3, e1, 1)
	b.sends("c1.1 c1.2 c1.3")
	b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
	b.Lost()
	b.sends("c1.2 c1.3")
	b.hears(ack(t, "c1", 1, e1, 2), "")
	b.hears(parse(t, `{"type":"ack","client":"c1","seq":2,"epoch":"aaaaaaaaaaaaa","version":3,"status":"duplicate"}`), "c1.2 duplicate")
	b.hears(reject(t, "c1", 3, topics.CodeConflict, ""), "c1.3 conflict")
	if !b.Empty() {
		t.Error("something is left")
	}
}

// A gap makes the lane begin again at the server's place, one mutation first; the gaps
// that were on their way change nothing.
func TestOutboxRewindsAtAGap(t *testing.T) {
	b := newBox(t)
	b.add(4, e1, 1)
	b.sends("c1.1 c1.2 c1.3 c1.4")
	b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
	b.hears(reject(t, "c1", 3, topics.CodeGap, `,"expected":2`), "") // 2 was lost
	b.sends("c1.2")
	b.hears(reject(t, "c1", 4, topics.CodeGap, `,"expected":2`), "")
	b.sends("")
	b.hears(ack(t, "c1", 2, e1, 3), "c1.2 applied")
	b.sends("c1.3 c1.4")
}

// A refusal that decided nothing is sent again when the owner says so, alone at first.
func TestOutboxWaitsAfterLater(t *testing.T) {
	b := newBox(t)
	b.add(3, e1, 1)
	b.sends("c1.1 c1.2 c1.3")
	b.hears(reject(t, "c1", 2, topics.CodeOverloaded, ""), "pause") // at once, before 1 is decided
	b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
	b.hears(reject(t, "c1", 3, topics.CodeGap, `,"expected":2`), "")
	b.sends("")
	b.Retry(list)
	b.sends("c1.2")
	b.hears(reject(t, "c1", 2, topics.CodeOverloaded, `,"retry_after_ms":100`), "pause")
	b.Retry(list)
	b.sends("c1.2")
	b.hears(ack(t, "c1", 2, e1, 3), "c1.2 applied")
	b.sends("c1.3")
}

// A refusal of an earlier mutation that comes after that of a later one takes the lane
// further back.
func TestOutboxPausesAtTheFirstRefusal(t *testing.T) {
	b := newBox(t)
	b.add(3, e1, 1)
	b.sends("c1.1 c1.2 c1.3")
	b.hears(reject(t, "c1", 3, topics.CodeTooManyInFlight, ""), "pause")
	b.hears(reject(t, "c1", 1, topics.CodeUnavailable, ""), "")
	b.Retry(list)
	b.sends("c1.1")
}

// A lane that the server does not know any more is given up: the application has what
// was pending, and new mutations go under a new client id.
func TestOutboxExpires(t *testing.T) {
	b := newBox(t)
	b.add(2, e1, 1)
	b.sends("c1.1 c1.2")
	b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
	b.add(1, e1, 2)
	b.Lost()
	b.sends("c1.2 c1.3")
	b.hears(reject(t, "c1", 2, topics.CodeExpired, ""), "c1.2 unknown, c1.3 unknown")
	b.hears(reject(t, "c1", 3, topics.CodeExpired, ""), "")
	b.add(1, e1, 2)
	b.sends("c2.1")
}

// The first mutation of a lane is refused for now: to the server the lane of the second
// is unknown, but nothing was lost.
func TestOutboxBeginsALaneAgain(t *testing.T) {
	b := newBox(t)
	b.add(2, e1, 1)
	b.sends("c1.1 c1.2")
	b.hears(reject(t, "c1", 1, topics.CodeStorageFull, ""), "pause")
	b.hears(reject(t, "c1", 2, topics.CodeExpired, ""), "")
	b.Retry(list)
	b.sends("c1.1")
	b.Lost()
	b.hears(reject(t, "c1", 2, topics.CodeExpired, ""), "") // the first one was lost
	b.sends("c1.1")
}

// A gap behind the first one without an answer is old news, and ends nothing.
func TestOutboxHearsAnOldGap(t *testing.T) {
	b := newBox(t)
	b.add(3, e1, 1)
	b.sends("c1.1 c1.2 c1.3")
	b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
	b.hears(reject(t, "c1", 3, topics.CodeGap, `,"expected":1`), "")
	b.sends("c1.2")
	b.hears(ack(t, "c1", 2, e1, 3), "c1.2 applied")
}

// The ways in which a lane ends, and what is known then.
func TestOutboxEndsALane(t *testing.T) {
	for code, c := range map[topics.Code]struct{ more, want string }{
		topics.CodeEpochChanged: {``, "c1.2 epoch_changed, c1.3 epoch_changed"},
		topics.CodeSeqReused:    {``, "c1.2 seq_reused, c1.3 unknown"},
		topics.CodeGap:          {`,"expected":1`, "c1.2 unknown, c1.3 unknown"}, // it has forgotten what it acked
	} {
		b := newBox(t)
		b.add(3, e1, 1)
		b.sends("c1.1 c1.2 c1.3")
		b.hears(ack(t, "c1", 1, e1, 2), "c1.1 applied")
		b.hears(reject(t, "c1", 2, code, c.more), c.want)
		b.add(1, e2, 1)
		b.sends("c2.1")
	}
}

// A lane belongs to an epoch. That of an empty topic stands for whatever comes next.
func TestOutboxLanesBelongToEpochs(t *testing.T) {
	b := newBox(t)
	b.add(1, e1, 0) // the genesis epoch
	b.add(1, e2, 3) // the topic has begun
	b.sends("c1.1 c1.2")
	b.add(1, e1, 0) // and was deleted
	b.sends("c2.1")
	b.Lost()
	b.sends("c1.1 c1.2 c2.1") // the old lane is still owed its answers
	b.hears(reject(t, "c1", 2, topics.CodeEpochChanged, ""), "c1.1 unknown, c1.2 epoch_changed")
	b.hears(ack(t, "c2", 1, e2, 1), "c2.1 applied")
}

// A mutation of a row whose earlier one has no answer says that it builds on it.
func TestOutboxNeeds(t *testing.T) {
	o := NewOutbox(ids())
	add := func(ids ...string) uint64 {
		var changes []topics.Change
		for _, id := range ids {
			changes = append(changes, put(id, `1`))
		}
		return o.Add(mutation(changes...), at(e1, 1)).Needs
	}
	for i, c := range []struct {
		ids  []string
		want uint64
	}{{[]string{"a"}, 0}, {[]string{"b"}, 0}, {[]string{"a"}, 1}, {[]string{"c", "b"}, 2}, {[]string{"a", "b"}, 4}} {
		if got := add(c.ids...); got != c.want {
			t.Errorf("mutation %d of %v needs %d, want %d", i+1, c.ids, got, c.want)
		}
	}
	o.Take()
	for seq := range uint64(5) {
		o.Answer(ack(t, "c1", seq+1, e1, 2))
	}
	if got := add("a"); got != 0 {
		t.Errorf("everything is answered, and yet it needs %d", got)
	}
}
