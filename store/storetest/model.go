package storetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// model is what a topic must be, kept beside the store in the plainest way: the
// whole log, and everything else derived from it.
type model struct {
	topic      store.Topic
	head       store.Head
	log        []store.Event // every event of the incarnation, compacted ones too
	entries    map[string]store.Event
	lanes      map[store.LaneKey]store.Lane
	keys       map[store.IdempotencyKey]topics.Outcome
	boundaries []topics.Version // ends of commits, ascending
	millis     int64
}

// change is one step of a mutation, before it has a version.
type change struct {
	kind    store.Kind
	id      string
	payload string
}

func put(id, payload string) change { return change{store.KindRow, id, payload} }
func del(id string) change          { return change{store.KindTombstone, id, ""} }
func custom(payload string) change  { return change{store.KindCustom, "", payload} }

func newModel(topic store.Topic, genesis store.Head) *model {
	return &model{
		topic: topic, head: genesis, entries: make(map[string]store.Event),
		lanes: make(map[store.LaneKey]store.Lane), keys: make(map[store.IdempotencyKey]topics.Outcome),
		boundaries: []topics.Version{0}, millis: 1_700_000_000_000,
	}
}

// commit makes the commit of one mutation per group of changes.
func (m *model) commit(mutations ...[]change) store.Commit {
	m.millis++
	c := store.Commit{Prev: m.head.Position, Millis: m.millis}
	version, moved := m.head.Version, map[string]topics.Version{}
	for _, changes := range mutations {
		end := version + topics.Version(len(changes))
		for _, ch := range changes {
			version++
			e := encode(version, ch)
			e.End, e.Millis = end, m.millis
			if ch.kind != store.KindCustom {
				replaced, ok := moved[ch.id]
				if !ok {
					replaced = m.entries[ch.id].Version
				}
				e.Replaces, moved[ch.id] = replaced, version
			}
			c.Events = append(c.Events, e)
		}
	}
	return c
}

// encode makes the event's bytes; spans are where they say.
func encode(version topics.Version, ch change) store.Event {
	e := store.Event{Version: version, Kind: ch.kind, EntityID: ch.id}
	text := fmt.Sprintf(`{"version":%d,"data":`, version)
	e.Data.Start = uint32(len(text))
	text += fmt.Sprintf(`{"entity_id":%q`, ch.id)
	if ch.kind != store.KindTombstone {
		text += `,"payload":`
		e.Payload.Start = uint32(len(text))
		text += fmt.Sprintf("%q", ch.payload)
		e.Payload.End = uint32(len(text))
	}
	text += "}"
	e.Data.End = uint32(len(text))
	e.JSON = []byte(text + "}")
	return e
}

// apply makes the model what the topic is after c; epoch is what the store said.
func (m *model) apply(c store.Commit, epoch topics.Epoch) {
	m.head.Epoch = epoch
	for _, e := range c.Events {
		if e.Kind == store.KindCustom {
			m.head.Customs++
		} else {
			m.entries[e.EntityID] = e
		}
		e.Customs = m.head.Customs
		if e.Kind != store.KindCustom {
			m.entries[e.EntityID] = e
		}
		m.log = append(m.log, e)
		m.head.Version = e.Version
		if e.End == e.Version {
			m.boundaries = append(m.boundaries, e.End)
		}
	}
	m.head.Rows = int64(len(rows(m.log)))
	m.head.Millis = c.Millis
	for _, o := range c.Outcomes {
		m.lanes[o.Lane] = m.lanes[o.Lane].With(o.Outcome)
	}
	for _, k := range c.Keys {
		m.keys[k.Key] = k.Outcome
	}
}

// compact makes the model what the topic is once its floors are f.
func (m *model) compact(f store.Floors) {
	m.head.Floors = f
	maps.DeleteFunc(m.entries, func(_ string, e store.Event) bool {
		return e.Kind == store.KindTombstone && e.Version <= f.Tombstones
	})
}

// reset makes the model a topic without commits, whose genesis epoch is what the store
// said.
func (m *model) reset(genesis topics.Epoch) {
	fresh := newModel(m.topic, store.Head{Position: topics.Position{Epoch: genesis}, Genesis: genesis})
	fresh.millis = m.millis
	*m = *fresh
}

// last is the model's last list after a version.
func (m *model) last(after topics.Version) []store.Event {
	list := slices.SortedFunc(maps.Values(m.entries), func(a, b store.Event) int { return int(a.Version) - int(b.Version) })
	return slices.DeleteFunc(list, func(e store.Event) bool { return e.Version <= after })
}

// rows is what a replica holds after events.
func rows(events []store.Event) map[string]string {
	held := make(map[string]string)
	applyRows(held, events)
	return held
}

func applyRows(held map[string]string, events []store.Event) {
	for _, e := range events {
		switch e.Kind {
		case store.KindRow:
			held[e.EntityID] = string(e.PayloadJSON())
		case store.KindTombstone:
			delete(held, e.EntityID)
		case store.KindCustom:
		}
	}
}

// outcome is a recorded decision with recognisable numbers.
func outcome(seq uint64, version topics.Version) topics.Outcome {
	return topics.Outcome{Seq: seq, Hash: seq*0x9e3779b97f4a7c15 + 1, Status: topics.StatusApplied, Version: version, Millis: 1_700_000_000_000 + int64(seq)}
}

func nameOf(s string) topics.Name { return topics.Name(s) }
