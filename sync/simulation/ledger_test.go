package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// ledger knows every state that every topic has had.
type ledger struct {
	fail   func(format string, args ...any)
	census *census

	mu     sync.Mutex
	topics map[topics.Name]*history
	named  map[write]bool // mutations that say which epoch they are for
}

// history is one topic through all its incarnations.
type history struct {
	lives     []*life // in order; the last one may be over
	over      bool    // the topic has no commits now
	deletions int
}

// life is one incarnation.
type life struct {
	epoch   topics.Epoch
	number  int
	head    topics.Version
	states  map[topics.Version]state // by commit boundary
	applied map[write]topics.Version // the last version of each mutation
	settled map[write]topics.Outcome
}

// state is what a topic shows at one version.
type state map[string]row

type row struct {
	version topics.Version
	payload string
}

// write is the identity of a mutation.
type write struct {
	client string
	seq    uint64
}

func newLedger(c *census, fail func(string, ...any)) *ledger {
	return &ledger{fail: fail, census: c, topics: make(map[topics.Name]*history), named: make(map[write]bool)}
}

func (l *ledger) of(topic topics.Name) *history {
	h := l.topics[topic]
	if h == nil {
		h = &history{over: true}
		l.topics[topic] = h
	}
	return h
}

// committed writes a durable commit down, and proves of it that versions have no hole
// and no repeat (P1), and that no mutation is in the log twice (P3).
func (l *ledger) committed(topic topics.Name, head store.Head, c store.Commit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.of(topic)
	if h.over {
		h.lives = append(h.lives, &life{
			epoch: head.Epoch, number: len(h.lives), states: map[topics.Version]state{0: {}},
			applied: make(map[write]topics.Version), settled: make(map[write]topics.Outcome),
		})
		h.over = false
	}
	now := h.lives[len(h.lives)-1]
	if c.Prev.Version != now.head || head.Epoch != now.epoch {
		l.fail("P1: %s: a commit on %s was made, but the topic was at %s-%d", topic, c.Prev, now.epoch, now.head)
	}
	next := maps.Clone(now.states[now.head])
	mine := make(map[write]bool)
	for _, e := range c.Events {
		if now.head++; e.Version != now.head {
			l.fail("P1: %s: version %d follows %d", topic, e.Version, now.head-1)
		}
		next.apply(e)
		l.origin(topic, now, e, mine)
	}
	now.states[now.head] = next
	for _, o := range c.Outcomes {
		w := write{o.Lane.Client, o.Seq}
		if _, twice := now.settled[w]; twice {
			l.fail("P3: %s: %v was decided twice", topic, w)
		}
		now.settled[w] = o.Outcome
	}
}

func (s state) apply(e store.Event) {
	switch e.Kind {
	case store.KindRow:
		s[e.EntityID] = row{e.Version, string(e.PayloadJSON())}
	case store.KindTombstone:
		delete(s, e.EntityID)
	case store.KindCustom:
	}
}

// origin notes which mutation an event is of. Another commit cannot have one of it.
func (l *ledger) origin(topic topics.Name, now *life, e store.Event, mine map[write]bool) {
	var event client.Event
	if err := json.Unmarshal(e.JSON, &event); err != nil {
		l.fail("an event of %s is not JSON: %v", topic, err)
		return
	}
	w := write{event.Client, event.Seq}
	if w.seq == 0 {
		return
	}
	if _, earlier := now.applied[w]; earlier && !mine[w] {
		l.fail("P3: %s: %v was applied a second time, at version %d", topic, w, e.Version)
	}
	if !mine[w] && l.of(topic).appliedBefore(now, w) {
		// The limit of P3: a mutation that names no epoch is as good in the topic's next
		// incarnation.
		if l.named[w] {
			l.fail("P3: %s: %v names an epoch, and was applied again in the next, at version %d", topic, w, e.Version)
		}
		l.census.add("limit", "applied again after a deletion")
	}
	mine[w] = true
	now.applied[w] = e.Version
}

func (l *ledger) deleted(topic topics.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.of(topic)
	if !h.over {
		h.deletions++
	}
	h.over = true
}

// appliedBefore reports whether a mutation is in the log of an earlier life.
func (h *history) appliedBefore(now *life, w write) bool {
	for _, life := range h.lives[:now.number] {
		if life.applied[w] != 0 {
			return true
		}
	}
	return false
}

// find is the life of an epoch; nil for one without commits.
func (h *history) find(e topics.Epoch) *life {
	for _, life := range h.lives {
		if life.epoch == e {
			return life
		}
	}
	return nil
}

// dead reports whether an epoch has ended.
func (h *history) dead(of *life) bool { return h.over || of.number < len(h.lives)-1 }

// present is the state that the topic has now, and where. Without commits it has no
// epoch of its own.
func (h *history) present() (state, topics.Position) {
	if h.over {
		return state{}, topics.Position{}
	}
	now := h.lives[len(h.lives)-1]
	return now.states[now.head], topics.Position{Epoch: now.epoch, Version: now.head}
}

// at reports whether a replica that shows shown is at the position p of the head.
func at(shown, p topics.Position) bool {
	return shown.Version == p.Version && (p.Version == 0 || shown.Epoch == p.Epoch)
}

// same compares rows that are shown with a state.
func (s state) same(rows map[string]client.Row, versions bool) error {
	for id, r := range rows {
		want, ok := s[id]
		if !ok || want.payload != string(r.Payload) || versions && want.version != r.Version {
			return fmt.Errorf("%s is %s at %d, want %s at %d", id, r.Payload, r.Version, want.payload, want.version)
		}
	}
	for id := range s {
		if _, ok := rows[id]; !ok {
			return fmt.Errorf("%s is missing, want %s at %d", id, s[id].payload, s[id].version)
		}
	}
	return nil
}
