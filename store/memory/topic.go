package memory

import (
	"fmt"

	"github.com/tidwall/btree"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// topic is one incarnation of a topic, or the absence of one (birth 0).
type topic struct {
	birth   uint64 // commit number of its first commit; 0: it has none
	changed uint64 // commit number of the last change to head or last
	head    store.Head
	log     []store.Event // versions head.Retention+1 … head.Version
	last    *btree.BTreeG[store.Event]
	entity  map[string]topics.Version // entity → version of its entry in last
	lanes   map[store.LaneKey]store.Lane
	keys    map[store.IdempotencyKey]topics.Outcome
	past    []past // ascending; what runs may still ask for
}

// past is the topic's last list as it was from commit from to commit to.
type past struct {
	from, to uint64
	head     store.Head
	last     *btree.BTreeG[store.Event]
}

func newTopic(genesis topics.Epoch) *topic {
	return &topic{
		head:   store.Head{Position: position(genesis, 0), Genesis: genesis},
		last:   newLast(),
		entity: make(map[string]topics.Version),
		lanes:  make(map[store.LaneKey]store.Lane),
		keys:   make(map[store.IdempotencyKey]topics.Outcome),
	}
}

func newLast() *btree.BTreeG[store.Event] {
	return btree.NewBTreeGOptions(func(a, b store.Event) bool { return a.Version < b.Version }, btree.Options{NoLocks: true})
}

// check holds c to what the topic knows: every Replaces is its entity's entry.
func (t *topic) check(c store.Commit) error {
	moved := make(map[string]topics.Version, len(c.Events))
	for _, e := range c.Events {
		if e.Kind == store.KindCustom {
			continue
		}
		entry, ok := moved[e.EntityID]
		if !ok {
			entry = t.entity[e.EntityID]
		}
		// Compact may have taken a tombstone between the decision and the commit.
		compacted := entry == 0 && e.Replaces <= t.head.Tombstones
		if e.Replaces != entry && !compacted {
			return fmt.Errorf("%w: version %d replaces %d, but the entry of %q is at %d",
				store.ErrMalformed, e.Version, e.Replaces, e.EntityID, entry)
		}
		moved[e.EntityID] = e.Version
	}
	return t.checkLanes(c.Outcomes)
}

// checkLanes holds outcomes to the order of their lanes: contiguous from 1.
func (t *topic) checkLanes(outcomes []store.LaneOutcome) error {
	begun := make(map[store.LaneKey]bool, len(outcomes))
	for _, o := range outcomes {
		if last := t.lanes[o.Lane].Last(); !begun[o.Lane] && o.Seq != last+1 {
			return fmt.Errorf("%w: seq %d follows %d in the lane of %q", store.ErrMalformed, o.Seq, last, o.Lane.Client)
		}
		begun[o.Lane] = true
	}
	return nil
}

// apply changes the topic by a commit that has been checked.
func (t *topic) apply(c store.Commit) {
	for _, e := range c.Events {
		if e.Kind == store.KindCustom {
			t.head.Customs++
		}
		e.Customs = t.head.Customs
		t.head.Version = e.Version
		t.log = append(t.log, e)
		t.move(e)
	}
	for _, o := range c.Outcomes {
		t.lanes[o.Lane] = t.lanes[o.Lane].With(o.Outcome)
	}
	for _, k := range c.Keys {
		t.keys[k.Key] = k.Outcome
	}
	t.head.Millis = c.Millis
}

// move gives e's entity its new entry in the last list.
func (t *topic) move(e store.Event) {
	if e.Kind == store.KindCustom {
		return
	}
	if old, ok := t.last.Delete(store.Event{Version: t.entity[e.EntityID]}); ok && old.Kind == store.KindRow {
		t.head.Rows--
	}
	if e.Kind == store.KindRow {
		t.head.Rows++
	}
	t.last.Set(e)
	t.entity[e.EntityID] = e.Version
}

// keepPast keeps the present state when a timestamp within its life was handed out.
func (t *topic) keepPast(handed, newest uint64) {
	if handed >= t.changed && handed <= newest {
		t.past = append(t.past, past{from: t.changed, to: newest, head: t.head, last: t.last.Copy()})
	}
}

// dropPast drops what is answered with ErrRunExpired from now on, and nothing else.
func (t *topic) dropPast(horizon uint64) {
	for len(t.past) > 0 && t.past[0].to < horizon {
		t.past = t.past[1:]
	}
}

// at is the head and last list as they were at a timestamp that has not expired.
func (t *topic) at(ts uint64) (store.Head, *btree.BTreeG[store.Event]) {
	if ts >= t.changed {
		return t.head, t.last
	}
	for _, p := range t.past {
		if ts >= p.from && ts <= p.to {
			return p.head, p.last
		}
	}
	// Nobody was handed a timestamp of this topic's earlier states, or it had none.
	genesis := store.Head{Position: position(t.head.Genesis, 0), Genesis: t.head.Genesis}
	return genesis, newLast()
}
