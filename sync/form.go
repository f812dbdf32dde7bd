package statesync

import (
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Form is how a session's lines look. Positions, order and content are the same
// in all of them (P11).
type Form uint8

// The forms.
const (
	FormFrames Form = iota // lockstep.v1: frames
	FormPlain              // one envelope per event
	FormFlat               // one envelope per event, the event's name in type, its payload's fields beside it
	formCount
)

// appendCommit appends a commit for a cursor at the version at, one line or more.
// deltas says that its client holds the rows before it, and wants to use them.
func (f Form) appendCommit(dst []byte, topic store.Topic, c *commit, at topics.Version, deltas bool) []byte {
	if f == FormFrames {
		if deltas {
			return append(dst, c.delta()...)
		}
		return append(dst, c.frame...)
	}
	if at > c.from { // a cursor within the commit: envelopes cannot be skipped by the reader
		for i := range c.events {
			if c.events[i].Version > at {
				dst = f.appendEnvelope(dst, topic, c.events[i].Event)
			}
		}
		return dst
	}
	if c.plain[f] == nil {
		for i := range c.events {
			c.plain[f] = f.appendEnvelope(c.plain[f], topic, c.events[i].Event)
		}
	}
	return append(dst, c.plain[f]...)
}

func (f Form) appendEvents(dst []byte, topic store.Topic, r frame.Run, events []store.Event) []byte {
	if f == FormFrames {
		return append(frame.AppendEvents(dst, r, events), '\n')
	}
	for i := range events {
		dst = f.appendEnvelope(dst, topic, events[i])
	}
	return dst
}

func (f Form) appendSnapshot(dst []byte, topic store.Topic, r frame.Run, entries []store.Event) []byte {
	if f == FormFrames {
		return append(frame.AppendSnapshot(dst, r, entries), '\n')
	}
	for i := range entries {
		if entries[i].Kind == store.KindRow {
			dst = f.appendEnvelope(dst, topic, entries[i])
		}
	}
	return dst
}

func (f Form) appendEnvelope(dst []byte, topic store.Topic, e store.Event) []byte {
	if f == FormFlat {
		return append(frame.AppendFlat(dst, topic, e), '\n')
	}
	return append(frame.AppendPlain(dst, topic, e), '\n')
}
