package badger

import (
	"fmt"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// write is one change to Badger.
type write struct {
	key   []byte
	value []byte // nil: the key goes
}

// request is an Append on its way through the committer. Its maker fills in the
// plan; the committer, which reads nothing of the topic but its head, checks that
// the plan still holds.
type request struct {
	topic    store.Topic
	commit   store.Commit
	base     head // what it was planned on
	next     head // what the topic's head becomes; birth, floors and moved are the committer's
	replaced []entry
	writes   []write // empty while the birth is unknown: the committer encodes it then
	bytes    int     // of writes, or an estimate

	// alone, when set, makes the request a group of its own: it is called by the
	// committer with the newest state and returns what to write (see job).
	alone func(v view) (*job, error)

	turn   chan turn // one token: lead, or done
	result store.Head
	birth  uint64 // of the incarnation it was committed to
	err    error
}

// turn is what a waiting request is told.
type turn uint8

const (
	turnDone turn = iota // result and err are set
	turnLead             // commit the next group, this request first
)

// plan decides an Append as of the newest durable commit, on its caller's
// goroutine. The plan holds as long as nobody else appends to the topic.
func (s *Store) plan(topic store.Topic, c store.Commit) (*request, error) {
	v := s.viewAt(s.durable.Load())
	defer v.close()
	base, err := v.head(topic)
	if err != nil {
		return nil, err
	}
	if base.Position != c.Prev {
		return nil, store.ErrConflict
	}
	r := &request{topic: topic, commit: c, base: base, next: base, turn: make(chan turn, 1)}
	if err := r.look(v); err != nil {
		return nil, err
	}
	if base.birth != 0 {
		r.encode(base.birth)
	} else {
		r.estimate()
	}
	return r, nil
}

// look finds each event's entry that it replaces, and derives the next head.
func (r *request) look(v view) error {
	prefix := dataPrefix(r.topic, r.base.birth)
	moved := make(map[string]entry, len(r.commit.Events))
	r.replaced = make([]entry, len(r.commit.Events))
	for i, e := range r.commit.Events {
		if e.Kind == store.KindCustom {
			r.next.Customs++
			continue
		}
		old, own := moved[e.EntityID]
		if !own && r.base.birth != 0 {
			var err error
			if old, err = v.newestEntry(r.topic, r.base.birth, prefix, e.EntityID); err != nil {
				return err
			}
		}
		if old.version != e.Replaces && !r.compacted(old, e) {
			return fmt.Errorf("%w: version %d replaces %d, but the entry of %q is at %d",
				store.ErrMalformed, e.Version, e.Replaces, e.EntityID, old.version)
		}
		r.account(e, old)
		r.replaced[i] = old
		moved[e.EntityID] = entry{version: e.Version, kind: e.Kind}
	}
	r.next.Version += topics.Version(len(r.commit.Events))
	r.next.Millis = r.commit.Millis
	return nil
}

// compacted reports whether Compact explains that an event does not replace its
// entity's entry: it may take a tombstone at any time between the decision and now.
func (r *request) compacted(old entry, e store.Event) bool {
	gone := old.version == 0 || !old.live() && old.version <= r.base.Tombstones
	return gone && e.Replaces <= r.base.Tombstones
}

// account moves counts and digest from the old entry to the event.
func (r *request) account(e store.Event, old entry) {
	if old.live() {
		r.next.Rows--
		r.next.digest -= rowHash(e.EntityID, old.version)
	}
	if e.Kind == store.KindRow {
		r.next.Rows++
		r.next.digest += rowHash(e.EntityID, e.Version)
	}
}

// encode makes the writes of the request for an incarnation.
func (r *request) encode(birth uint64) {
	w := writer{prefix: dataPrefix(r.topic, birth)}
	c := r.commit
	newest := make(map[string]int, len(c.Events)) // entity → its last event here
	for i, e := range c.Events {
		if e.Kind != store.KindCustom {
			newest[e.EntityID] = i
		}
	}
	customs := r.base.Customs
	w.buf = make([]byte, 0, r.size())
	for i, e := range c.Events {
		if e.Kind == store.KindCustom {
			customs++
		}
		e.Customs = customs
		w.event(e, e.Kind != store.KindCustom && newest[e.EntityID] == i)
		if old := r.replaced[i]; old.version != 0 && old.version <= c.Prev.Version {
			w.drop(func(b []byte) []byte { return appendVersion(b, kindLast, old.version) })
		}
	}
	for _, o := range c.Outcomes {
		w.put(func(b []byte) []byte { return appendSlot(b, o.Lane, o.Seq) },
			func(b []byte) []byte { return appendOutcome(b, kindOutcome, o.Outcome) })
	}
	for _, k := range c.Keys {
		w.put(func(b []byte) []byte { return appendIdempotencyKey(b, k.Key) },
			func(b []byte) []byte { return appendOutcome(b, kindKey, k.Outcome) })
	}
	r.writes, r.bytes = w.writes, len(w.buf)+perWrite*len(w.writes)
}

// perWrite is what Badger counts for an entry beside its key and value.
const perWrite = 12

// estimate sets bytes before the writes are there.
func (r *request) estimate() { r.bytes = r.size() }

// size is about what the writes take, a little more.
func (r *request) size() int {
	key := len(r.topic.Tenant) + len(r.topic.Name) + 32
	total := 0
	for _, e := range r.commit.Events {
		total += 2*(len(e.JSON)+len(e.EntityID)+48) + len(e.EntityID) + 16 + 4*(key+perWrite)
	}
	for _, o := range r.commit.Outcomes {
		total += key + len(o.Lane.User) + len(o.Lane.Client) + 64 + perWrite + rejectSize(o.Reject != nil)
	}
	for _, k := range r.commit.Keys {
		total += key + len(k.Key.User) + len(k.Key.Key) + 64 + perWrite + rejectSize(k.Reject != nil)
	}
	return total
}

func rejectSize(rejected bool) int {
	if rejected {
		return 128
	}
	return 0
}
