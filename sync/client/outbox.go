package client

import (
	"slices"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Outbox holds the mutations of one user until each has its final answer. It
// numbers them, paces them and sends again what has to be sent again, always in the
// order in which they were added.
type Outbox struct {
	// Window is how many mutations of a lane may be without an answer; the
	// server's welcome says it.
	Window int

	newClient func() string
	lanes     []*lane               // with something pending, and the present ones; oldest first
	present   map[topics.Name]*lane // where new mutations go
}

// NewOutbox returns an empty outbox. newClient makes the client ids that name its
// lanes; it never returns the same one twice.
func NewOutbox(newClient func() string) *Outbox {
	return &Outbox{Window: topics.MaxInFlight, newClient: newClient, present: make(map[topics.Name]*lane)}
}

// Settled is a mutation that has left the outbox.
type Settled struct {
	Mutation topics.Mutation
	Status   topics.Status
	Position topics.Position // the topic's head right after it; only without a rejection
	Code     topics.Code     // of a rejection
	// Unknown says that whether the mutation was applied cannot be learned any
	// more: its lane is gone. The application decides what to do with it.
	Unknown bool
	Answer  Frame // as it came; of an Unknown mutation, the answer that ended its lane
}

// Pause asks the owner to call Retry for the topic after some time.
type Pause struct {
	Topic topics.Name
	After time.Duration // 0: the owner chooses
	Code  topics.Code
	Auth  bool // only with a new token is it worth trying
}

// Add takes a mutation in and returns it with its place in a lane. at is the
// position that the replica showed when the application made the mutation.
// Unless it says what it needs, it needs the newest unanswered mutation of a row it
// changes.
func (o *Outbox) Add(m topics.Mutation, at topics.Position) topics.Mutation {
	l := o.present[m.Topic]
	if l == nil || !l.accepts(at) {
		o.lanes = slices.DeleteFunc(o.lanes, func(old *lane) bool { return old == l && len(old.pending) == 0 })
		l = &lane{topic: m.Topic, client: o.newClient(), next: 1, open: true}
		o.present[m.Topic] = l
		o.lanes = append(o.lanes, l)
	}
	return l.add(m, at)
}

// Take returns the mutations that may be sent now, in order, and counts them as sent.
func (o *Outbox) Take() []topics.Mutation {
	var out []topics.Mutation
	for _, l := range o.lanes {
		out = append(out, l.take(o.Window)...)
	}
	return out
}

// Answer takes an ack or a reject in. It returns what has left the outbox by it, and
// a pause when the server asked for one.
func (o *Outbox) Answer(f Frame) ([]Settled, *Pause) {
	i := slices.IndexFunc(o.lanes, func(l *lane) bool { return l.topic == f.Topic && l.client == f.Client })
	if i < 0 {
		return nil, nil
	}
	l := o.lanes[i]
	settled, pause := l.answer(f)
	if l.ended && o.present[l.topic] == l {
		delete(o.present, l.topic)
	}
	if len(l.pending) == 0 && o.present[l.topic] != l {
		o.lanes = slices.Delete(o.lanes, i, i+1)
	}
	return settled, pause
}

// Retry ends a pause of the topic's lanes.
func (o *Outbox) Retry(topic topics.Name) {
	for _, l := range o.lanes {
		if l.topic == topic {
			l.retry()
		}
	}
}

// Lost says that the connection is gone: all that has no answer is sent again, in
// order, on the next one.
func (o *Outbox) Lost() {
	for _, l := range o.lanes {
		l.resend()
	}
}

// Overdue says that an answer of the topic should have come by now: what has none is
// sent again.
func (o *Outbox) Overdue(topic topics.Name) {
	for _, l := range o.lanes {
		if l.topic == topic {
			l.resend()
		}
	}
}

// Pending returns the topic's mutations without an answer, in order.
func (o *Outbox) Pending(topic topics.Name) []topics.Mutation {
	var out []topics.Mutation
	for _, l := range o.lanes {
		if l.topic == topic {
			out = append(out, l.pending...)
		}
	}
	return out
}

// Empty reports whether every mutation has its answer.
func (o *Outbox) Empty() bool {
	return !slices.ContainsFunc(o.lanes, func(l *lane) bool { return len(l.pending) > 0 })
}

// Client is the present lane of a topic and the oldest seq in it without an answer,
// for the subscribe frame; 0: none.
func (o *Outbox) Client(topic topics.Name) (client string, oldest uint64) {
	l := o.present[topic]
	if l == nil {
		return "", 0
	}
	if len(l.pending) > 0 {
		oldest = l.pending[0].Seq
	}
	return l.client, oldest
}
