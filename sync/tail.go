package statesync

import (
	"sort"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// tail holds the recent commits of a topic, encoded, for all its cursors. It is
// guarded by its topic's lock. The commits in it are contiguous.
type tail struct {
	start   topics.Version // every event above it, up to the head, is here
	commits []*commit      // ascending; the backing array moves forward
	bytes   int
	latest  map[string]*tailEvent // the newest event here of each entity
}

// commit is one commit as cursors read it. Its bytes are shared and never change.
type commit struct {
	from, to topics.Version
	frame    []byte // the events frame and its newline
	events   []tailEvent
	plain    [formCount][]byte // envelopes of the plain forms, made when first asked for
	deltas   []byte            // the frame without the payloads that patches make; likewise
}

// tailEvent is an event with what conflation needs to know of it.
type tailEvent struct {
	store.Event
	superseded topics.Version // the next event of its entity; 0: none yet
}

func newTail(at topics.Version) tail {
	return tail{start: at, latest: make(map[string]*tailEvent)}
}

// newCommit encodes the events of one commit into the frame that cursors copy.
// The events' JSON is made to point into the frame, so it is held once.
func newCommit(topic topics.Name, epoch topics.Epoch, from topics.Version, events []store.Event) *commit {
	size := 160
	for i := range events {
		size += len(events[i].JSON) + 1
	}
	to := from + topics.Version(len(events))
	c := &commit{from: from, to: to, events: make([]tailEvent, len(events))}
	c.frame = append(frame.AppendEvents(make([]byte, 0, size), frame.Run{Topic: topic, Epoch: epoch, From: from, To: to}, events), '\n')
	end := len(c.frame) - len("],\"more\":false}\n")
	for i := len(events) - 1; i >= 0; i-- {
		start := end - len(events[i].JSON)
		c.events[i].Event = events[i]
		c.events[i].JSON = c.frame[start:end:end]
		end = start - 1
	}
	return c
}

// delta is the frame for readers who hold the rows before it.
func (c *commit) delta() []byte {
	if c.deltas == nil {
		events := make([]store.Event, len(c.events))
		for i := range c.events {
			events[i] = c.events[i].Event
		}
		c.deltas = frame.Deltas(c.frame, events)
	}
	return c.deltas
}

// end is the version up to which the tail reaches.
func (t *tail) end() topics.Version {
	if len(t.commits) == 0 {
		return t.start
	}
	return t.commits[len(t.commits)-1].to
}

// append adds the next commit and drops the oldest ones past the bounds.
func (t *tail) append(c *commit, limits Limits) {
	t.commits = append(t.commits, c)
	t.bytes += len(c.frame)
	for i := range c.events {
		e := &c.events[i]
		if e.Kind == store.KindCustom {
			continue
		}
		if older := t.latest[e.EntityID]; older != nil {
			older.superseded = e.Version
		}
		t.latest[e.EntityID] = e
	}
	for len(t.commits) > 1 && (len(t.commits) > limits.TailCommits || t.bytes > limits.TailBytes) {
		t.dropOldest()
	}
}

func (t *tail) dropOldest() {
	c := t.commits[0]
	t.commits[0] = nil
	t.commits = t.commits[1:]
	t.bytes -= len(c.frame)
	t.start = c.to
	for i := range c.events {
		if e := &c.events[i]; t.latest[e.EntityID] == e {
			delete(t.latest, e.EntityID)
		}
	}
}

// after returns the commits that hold events above v, which is at least t.start.
func (t *tail) after(v topics.Version) []*commit {
	i := sort.Search(len(t.commits), func(i int) bool { return t.commits[i].to > v })
	return t.commits[i:]
}

// latestOnly returns the events in (from, to] that no event up to to supersedes,
// custom events included, until their JSON reaches budget bytes; at least one. all
// says whether it came to the end.
func (t *tail) latestOnly(from, to topics.Version, budget int) (events []store.Event, all bool) {
	for _, c := range t.after(from) {
		for i := range c.events {
			e := &c.events[i]
			if e.Version <= from {
				continue
			}
			if e.Version > to {
				return events, true
			}
			if e.superseded != 0 && e.superseded <= to {
				continue
			}
			if budget -= len(e.JSON); budget < 0 && len(events) > 0 {
				return events, false
			}
			events = append(events, e.Event)
		}
	}
	return events, true
}
