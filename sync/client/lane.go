package client

import (
	"slices"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// lane is the mutations of one client id on one topic that have no answer.
//
// The server decides a lane in order. When it could not take one mutation, it
// answers all that follow with a gap, and those answers keep coming while the lane
// begins again. So after a refusal the lane sends one mutation alone and waits for
// its answer (probing); only then does it send many again (flowing).
type lane struct {
	topic  topics.Name
	client string
	// epoch is the incarnation it writes to. While open, that is the one of a topic
	// without commits, which stands for whatever comes next.
	epoch topics.Epoch
	open  bool

	next    uint64            // seq of the next mutation
	pending []topics.Mutation // ascending seq
	sent    int               // pending[:sent] are on their way
	state   laneState
	begun   bool // the server has decided something of it
	ended   bool // the server will take nothing more under this client id
}

// laneState says how much a lane may send.
type laneState uint8

const (
	flowing laneState = iota // up to the window
	probing                  // one
	paused                   // nothing until retry
)

// accepts reports whether a mutation made at a position belongs into this lane: a
// lane belongs to an epoch.
func (l *lane) accepts(at topics.Position) bool {
	return !l.ended && (l.open || l.epoch == at.Epoch)
}

func (l *lane) add(m topics.Mutation, at topics.Position) topics.Mutation {
	l.open = l.open && at.Version == 0
	l.epoch = at.Epoch
	m.Client, m.Seq, m.Epoch = l.client, l.next, at.Epoch
	if m.Needs == 0 {
		m.Needs = l.needs(m)
	}
	l.next++
	l.pending = append(l.pending, m)
	return m
}

// needs is the newest unanswered mutation that changes a row which m changes too.
func (l *lane) needs(m topics.Mutation) uint64 {
	for _, earlier := range slices.Backward(l.pending) {
		for _, c := range m.Changes {
			if c.EntityID != "" && touches(earlier, c.EntityID) {
				return earlier.Seq
			}
		}
	}
	return 0
}

func touches(m topics.Mutation, entityID string) bool {
	return slices.ContainsFunc(m.Changes, func(c topics.Change) bool { return c.EntityID == entityID })
}

// take returns what may be sent now.
func (l *lane) take(window int) []topics.Mutation {
	most := 0
	switch l.state {
	case flowing:
		most = min(window, len(l.pending))
	case probing:
		most = min(1, len(l.pending))
	case paused:
	}
	if most <= l.sent {
		return nil
	}
	out := slices.Clone(l.pending[l.sent:most])
	l.sent = most
	return out
}

// answer takes in an answer to a mutation of this lane. One that has been answered
// before is not looked at again.
func (l *lane) answer(f Frame) ([]Settled, *Pause) {
	i := slices.IndexFunc(l.pending, func(m topics.Mutation) bool { return m.Seq == f.Seq })
	if i < 0 {
		return nil, nil
	}
	if f.Type == "ack" {
		return []Settled{l.settle(i, f)}, nil
	}
	if f.Code == topics.CodeExpired && !l.begun && f.Seq > 1 {
		// The server knows no lane that has gone from one that has not begun. This
		// one has not: its first mutation was refused for now, or lost.
		f.Code, f.Expected = topics.CodeGap, 1
	}
	switch f.Code {
	case topics.CodeGap:
		return l.gap(f), nil
	case topics.CodeExpired, topics.CodeSeqReused, topics.CodeEpochChanged:
		return l.end(f), nil
	default:
	}
	if f.Retry == topics.RetryNever {
		return []Settled{l.settle(i, f)}, nil
	}
	return nil, l.later(i, f)
}

// settle takes pending[i] out with its final answer.
func (l *lane) settle(i int, f Frame) Settled {
	l.begun = true
	s := Settled{Mutation: l.pending[i], Code: f.Code, Answer: f, Status: topics.StatusRejected}
	if f.Type == "ack" {
		s.Status = statusOf(f.Status)
		s.Position = topics.Position{Epoch: f.Epoch, Version: f.Version}
	}
	if i < l.sent {
		l.sent--
	}
	if l.state == probing && i == 0 {
		l.state = flowing
	}
	l.pending = slices.Delete(l.pending, i, i+1)
	return s
}

// gap begins again where the server is, or at what has no answer if that is earlier.
// When it is the first one without an answer that leaves a gap, the server has
// forgotten what it answered.
func (l *lane) gap(f Frame) []Settled {
	if first := l.pending[0].Seq; f.Expected < first && f.Seq == first {
		return l.end(f)
	}
	l.begun = l.begun || f.Expected > 1
	if l.state == flowing {
		l.state, l.sent = probing, 0
	}
	return nil
}

// later waits: nothing was decided about pending[i], and all behind it would be gaps.
func (l *lane) later(i int, f Frame) *Pause {
	if l.state == probing && i > 0 {
		return nil
	}
	l.sent = min(l.sent, i)
	if l.state == paused {
		return nil
	}
	l.state = paused
	return &Pause{
		Topic: l.topic, Code: f.Code, Auth: f.Retry == topics.RetryAuth,
		After: time.Duration(f.RetryAfterMS) * time.Millisecond,
	}
}

func (l *lane) retry() {
	if l.state == paused {
		l.state = probing
	}
}

func (l *lane) resend() {
	l.sent = 0
	if l.state == paused {
		l.state = probing
	}
}

// end gives up the lane. The mutation that was answered has its rejection; what
// became of the others cannot be learned, but for those of the same epoch that is
// gone and took them with it.
func (l *lane) end(f Frame) []Settled {
	l.ended = true
	answered := slices.IndexFunc(l.pending, func(m topics.Mutation) bool { return m.Seq == f.Seq })
	var out []Settled
	for i, m := range l.pending {
		s := Settled{Mutation: m, Status: topics.StatusRejected, Code: f.Code, Answer: f}
		known := i == answered && f.Code == topics.CodeSeqReused ||
			f.Code == topics.CodeEpochChanged && m.Epoch == l.pending[answered].Epoch
		if !known {
			s.Unknown, s.Code = true, topics.CodeExpired
		}
		out = append(out, s)
	}
	l.pending, l.sent = nil, 0
	return out
}

func statusOf(word string) topics.Status {
	for _, s := range []topics.Status{topics.StatusApplied, topics.StatusUnchanged, topics.StatusDuplicate} {
		if s.String() == word {
			return s
		}
	}
	return topics.StatusApplied // a word of a newer server: an ack is an ack
}
