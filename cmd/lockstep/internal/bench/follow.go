//go:build linux

package bench

import (
	"bytes"
	"fmt"
)

// follow is what a line receives, and what it has received.
type follow struct {
	upgraded bool
	ready    bool    // it has what it asked for at first
	stands   []stand // one for each topic; none: it publishes
	from     position
	every    bool // every event, however late
	counting bool // count the events of each frame, too

	got    uint64 // events, by their versions
	events uint64 // by their text, where counting
	joins  int    // snapshots received whole
	ears   *ears
}

// stand is where a line is in a topic.
type stand struct {
	topic int
	at    uint64
	known bool
}

// position is where a client says that it is; without an epoch it asks for all.
type position struct {
	Epoch   string `json:"epoch,omitempty"`
	Version uint64 `json:"version,omitempty"`
}

// ears are told what comes. A nil one is deaf.
type ears struct {
	ready  func(c *line) error
	events func(c *line, topic int, from, to uint64)
	acked  func(c *line, n int) error
	joined func(c *line) error
}

func (e *ears) hearReady(c *line) error {
	if c.ready = true; e.ready != nil {
		return e.ready(c)
	}
	return nil
}

func (e *ears) hearAcked(c *line, n int) error {
	if e.acked != nil {
		return e.acked(c, n)
	}
	return unexpected([]byte("an acknowledgement"))
}

// move takes events (from, to] of a topic: what was promised is that they follow on
// what is there, without a gap and without a repeat.
func (c *line) move(topic int, from, to uint64, text []byte) error {
	for i := range c.stands {
		s := &c.stands[i]
		if s.topic != topic {
			continue
		}
		if s.known && s.at != from || to <= from {
			return fmt.Errorf("topic %d: events from %d to %d came at %d: a gap or a repeat", topic, from, to, s.at)
		}
		s.at, s.known = to, true
		c.got += to - from
		if c.counting {
			c.events += uint64(bytes.Count(text, []byte(`{"version":`))) //nolint:gosec // not negative
		}
		if c.ears.events != nil {
			c.ears.events(c, topic, from, to)
		}
		return nil
	}
	return fmt.Errorf("events came of topic %d, which was not asked for", topic)
}

// settle notes where a topic stands before its first event.
func (c *line) settle(topic int, at uint64) (all bool) {
	all = true
	for i := range c.stands {
		if c.stands[i].topic == topic {
			c.stands[i].at, c.stands[i].known = at, true
		}
		all = all && c.stands[i].known
	}
	return all
}
