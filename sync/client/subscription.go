package client

import "github.com/lockstep-sync/lockstep/topics"

// Mode is what a subscription sees of the history it missed.
type Mode string

// The modes.
const (
	Latest Mode = "latest" // the last event of every entity
	Every  Mode = "every"  // every event, while retention keeps it
)

// Subscription keeps one topic's replica in step with the server.
type Subscription struct {
	Topic   topics.Name
	Mode    Mode
	Replica *Replica
	Deltas  bool    // patches may come without the row that they make
	MaxRate float64 // how often a second the replica is brought up to date at most; 0: as often as it can be

	state following
	// repaired is where the last repair asked to go on. A second gap at the same
	// place means that going on does not help.
	repaired *topics.Position
}

// following is where a subscription stands with the server.
type following uint8

const (
	toAsk  following = iota // the server is to be asked
	asked                   // it has been asked; what comes before its answer is of an older cursor
	follow                  // frames are applied as they come
)

// Subscribe returns a subscription that has yet to ask.
func Subscribe(topic topics.Name, mode Mode) *Subscription {
	return &Subscription{Topic: topic, Mode: mode, Replica: NewReplica()}
}

// Want is one topic of a subscribe frame.
type Want struct {
	Topic            topics.Name     `json:"topic"`
	Epoch            topics.Epoch    `json:"epoch,omitempty"`
	Version          *topics.Version `json:"version,omitempty"`
	Mode             Mode            `json:"mode,omitempty"`
	Deltas           bool            `json:"deltas,omitempty"`
	MaxRate          float64         `json:"max_rate,omitempty"`
	OldestUnanswered uint64          `json:"oldest_unanswered,omitempty"`
}

// Ask returns what to ask the server for, once after each time it is due.
func (s *Subscription) Ask() (Want, bool) {
	if s.state != toAsk {
		return Want{}, false
	}
	s.state = asked
	w := Want{Topic: s.Topic, Mode: s.Mode, Deltas: s.Deltas, MaxRate: s.MaxRate}
	if at := s.Replica.Position; at.Version != 0 {
		w.Epoch, w.Version = at.Epoch, &at.Version
	}
	return w, true
}

// Lost says that the connection is gone, or that an answer is overdue: the server
// has to be asked again.
func (s *Subscription) Lost() { s.state = toAsk }

// Following reports whether the server has answered and its frames are applied.
func (s *Subscription) Following() bool { return s.state == follow }

// Apply takes in one frame of the topic. After a Gap the server has to be asked
// again, which Ask says.
func (s *Subscription) Apply(f Frame) Effect {
	if f.Type == "subscribed" {
		s.state = follow
	}
	if s.state != follow {
		return Ignored
	}
	effect := s.Replica.Apply(f)
	if effect == Gap {
		s.repair()
	}
	return effect
}

// repair asks to go on from what the replica has, or to load again when that was
// tried before at the same place.
func (s *Subscription) repair() {
	s.state = toAsk
	at := s.Replica.Position
	if s.repaired != nil && *s.repaired == at {
		s.Replica.Restart("")
		s.repaired = nil
		return
	}
	s.repaired = &at
}
