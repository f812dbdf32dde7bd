package client

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

// desk is a view in a table.
type desk struct {
	*View
	t   *testing.T
	box *Outbox
}

// newDesk shows g1=1 at version 1.
func newDesk(t *testing.T) *desk {
	r := NewReplica()
	r.Apply(parse(t, `{"type":"snapshot","epoch":"aaaaaaaaaaaaa","version":1,"entities":[{"version":1,"entity_id":"g1","payload":1}],"to":1,"more":false}`))
	return &desk{NewView(r), t, NewOutbox(ids())}
}

func (d *desk) write(changes ...topics.Change) {
	d.Add(d.box.Add(mutation(changes...), d.replica.Shown()))
	d.box.Take()
}

func (d *desk) hears(f Frame) {
	if f.Type != "ack" && f.Type != "reject" {
		d.Apply(f, d.replica.Apply)
		return
	}
	settled, _ := d.box.Answer(f)
	for _, s := range settled {
		d.Settle(s)
	}
}

// shows fails unless the rows are exactly these, and so many layers are on top.
func (d *desk) shows(want string, layers int) {
	d.t.Helper()
	rows := d.Rows()
	var got []string
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		got = append(got, fmt.Sprintf("%s=%s", id, rows[id].Payload))
	}
	if text := strings.Join(got, " "); text != want || len(d.Layers()) != layers {
		d.t.Errorf("shows %q with %d layers, want %q with %d", text, len(d.Layers()), want, layers)
	}
}

// The optimistic rule: the layer goes with the batch that holds what it shows.
func TestViewAckBeforeEvent(t *testing.T) {
	d := newDesk(t)
	d.write(put("g1", `2`))
	d.shows("g1=2", 1)
	d.hears(ack(t, "c1", 1, e1, 2))
	d.shows("g1=2", 1)
	d.hears(events(t, e1, 1, 2, false, "g1=2/c1.1"))
	d.shows("g1=2", 0)
}

func TestViewEventBeforeAck(t *testing.T) {
	d := newDesk(t)
	d.write(put("g1", `2`))
	d.hears(events(t, e1, 1, 3, false, "g1=2/c1.1", "g1=9"))
	d.shows("g1=9", 0)
	d.hears(ack(t, "c1", 1, e1, 2))
	d.shows("g1=9", 0)
}

// An own event that comes in a run is shown with the run's end, and so is its layer dropped.
func TestViewOwnEventInARun(t *testing.T) {
	d := newDesk(t)
	d.write(put("g1", `2`))
	d.hears(events(t, e1, 1, 2, true, "g1=2/c1.1"))
	d.shows("g1=2", 1)
	d.hears(events(t, e1, 2, 3, false, "g2=3"))
	d.shows("g1=2 g2=3", 0)
}

// A mixed state may lack a part of the own mutation, or what superseded it: the layer stays.
func TestViewMixed(t *testing.T) {
	d := newDesk(t)
	d.write(put("g1", `2`), put("g2", `2`))
	d.hears(parse(t, `{"type":"events","epoch":"aaaaaaaaaaaaa","version":4,"from":1,"to":2,"events":[{"version":2,"event":"UPDATED","data":{"entity_id":"g1","payload":2},"client":"c1","seq":1}],"more":true}`))
	d.hears(parse(t, `{"type":"events","epoch":"aaaaaaaaaaaaa","from":2,"to":2,"events":[],"mixed":true,"more":false}`))
	d.shows("g1=2 g2=2", 1)
	d.hears(events(t, e1, 2, 4, false, "g2=2/c1.1", "g1=9"))
	d.shows("g1=9 g2=2", 0)
}

// A run that leaves the own event out, because another one came later, lets the ack drop it.
func TestViewSupersededOwnEvent(t *testing.T) {
	d := newDesk(t)
	d.write(put("g1", `2`))
	d.hears(events(t, e1, 1, 5, false, "g1=9"))
	d.shows("g1=2", 1)
	d.hears(ack(t, "c1", 1, e1, 3))
	d.shows("g1=9", 0)
}

// Layers are applied in order, each whole or not at all; a rejected one leaves no trace.
func TestViewLayers(t *testing.T) {
	d := newDesk(t)
	merge := topics.Change{Op: topics.OpPatch, EntityID: "g2", Payload: []byte(`{"a":1}`)}
	d.write(put("g2", `{"b":2}`))
	d.write(merge, topics.Change{Op: topics.OpDelete, EntityID: "g1"})
	d.shows(`g2={"b":2,"a":1}`, 2)
	d.hears(reject(t, "c1", 1, topics.CodeConflict, ""))
	d.shows("g1=1", 1) // the patch has no row; its mutation is not shown at all
	d.hears(reject(t, "c1", 2, topics.CodeNeeds, ""))
	d.shows("g1=1", 0)
	d.write(put("g1", `{"n":1}`), topics.Change{Op: topics.OpNone, Event: "tick"},
		topics.Change{Op: topics.OpJSONPatch, EntityID: "g1", Payload: []byte(`[{"op":"replace","path":"/n","value":7}]`)})
	d.shows(`g1={"n":7}`, 1)
}

// Epochs do not compare. A layer stays while the replica shows what came before the
// ack's epoch, and goes when it shows what came after.
func TestViewAcrossEpochs(t *testing.T) {
	resync := func(e topics.Epoch) Frame {
		return parse(t, fmt.Sprintf(`{"type":"resync","epoch":%q,"reason":"epoch"}`, e))
	}
	loads := func(e topics.Epoch, v topics.Version, row string) Frame {
		id, payload, _ := strings.Cut(row, "=")
		return parse(t, fmt.Sprintf(`{"type":"snapshot","epoch":%q,"version":%d,"entities":[{"version":%d,"entity_id":%q,"payload":%s}],"to":%d,"more":false}`, e, v, v, id, payload, v))
	}
	t.Run("the ack is ahead", func(t *testing.T) {
		d := newDesk(t)
		d.write(put("g1", `2`))
		d.hears(ack(t, "c1", 1, e2, 1)) // the topic was deleted; the mutation named no epoch
		d.shows("g1=2", 1)
		d.hears(resync(e2))
		d.shows("g1=2", 1)
		d.hears(loads(e2, 1, "g1=2"))
		d.shows("g1=2", 0)
	})
	t.Run("the ack is behind", func(t *testing.T) {
		d := newDesk(t)
		d.write(put("g1", `2`))
		d.hears(ack(t, "c1", 1, e1, 2))
		d.hears(resync(e2))
		d.hears(loads(e2, 1, "g3=3"))
		d.shows("g3=3", 0)
	})
	t.Run("nothing comes after it", func(t *testing.T) {
		d := newDesk(t)
		d.replica = NewReplica()
		d.hears(parse(t, `{"type":"snapshot","epoch":"bbbbbbbbbbbbb","version":0,"entities":[],"to":0,"more":false}`))
		d.write(put("g1", `2`))
		d.hears(ack(t, "c1", 1, e1, 1))
		d.shows("g1=2", 1)
		d.hears(parse(t, `{"type":"mark","epoch":"bbbbbbbbbbbbb","version":0}`)) // deleted before it was seen
		d.shows("", 0)
	})
}
