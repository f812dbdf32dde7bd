package simulation

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// write makes a mutation up and takes it into outbox and view.
func (p *peer) write() {
	d := p.desks[p.w.rng.IntN(len(p.desks))]
	if len(p.outbox.Pending(d.topic)) > 12 {
		return
	}
	m := topics.Mutation{Topic: d.topic}
	for range 1 + p.w.rng.IntN(3)*p.w.rng.IntN(2) {
		m.Changes = append(m.Changes, p.change(d))
	}
	if p.w.rng.IntN(20) == 0 {
		at := d.sub.Replica.Consistent
		m.IfTopicVersion = &at
	}
	m = p.outbox.Add(m, d.sub.Replica.Shown())
	p.w.ledger.mu.Lock()
	p.writes[write{m.Client, m.Seq}] = &written{mutation: m, topic: d.topic, deletions: p.w.ledger.of(d.topic).deletions}
	p.w.ledger.named[write{m.Client, m.Seq}] = m.Epoch != ""
	p.w.ledger.mu.Unlock()
	p.w.trace("%s writes %s.%d", p.name, m.Client, m.Seq)
	d.view.Add(m)
	d.emitted(p)
	p.pump()
}

// change is one change of an entity that may or may not be there.
func (p *peer) change(d *desk) topics.Change {
	id := fmt.Sprintf("e%d", p.w.rng.IntN(p.w.entities))
	row, exists := d.view.Rows()[id]
	p.w.writes++
	c := topics.Change{EntityID: id, Payload: json.RawMessage(fmt.Sprintf(`{"n":%d,"by":%q}`, p.w.writes, p.name))}
	switch p.w.rng.IntN(15) {
	case 0, 1:
		c.Op, c.Payload = topics.OpDelete, nil
	case 2:
		c = topics.Change{Op: topics.OpNone, Event: "note.made", Payload: c.Payload}
	case 3:
		c.Op, c.Payload = topics.OpPatch, json.RawMessage(fmt.Sprintf(`{"p%d":%d}`, p.w.rng.IntN(3), p.w.writes))
	case 4, 12, 13, 14:
		if c.Op, c.Payload = topics.OpPatch, json.RawMessage(fmt.Sprintf(`{"by":%q,"seen":%d}`, p.name, p.w.writes/3)); !exists {
			c.Op = topics.OpPut
		}
	case 5:
		c.Op, c.Payload = topics.OpJSONPatch, json.RawMessage(fmt.Sprintf(`[{"op":"test","path":"/by","value":%q},{"op":"add","path":"/j","value":%d}]`, p.name, p.w.writes))
	case 6:
		if exists {
			c.Payload = row.Payload // nothing changes
		}
	case 7, 8:
		c.IfMatch = p.seen(d, id, row)
	}
	return c
}

// seen is the precondition that nobody else has touched the row since the user saw it:
// as her own unanswered mutation leaves it, or as the replica shows it.
func (p *peer) seen(d *desk, id string, row client.Row) *topics.Expect {
	for _, m := range slices.Backward(p.outbox.Pending(d.topic)) {
		for _, c := range m.Changes {
			if c.EntityID == id {
				return &topics.Expect{Seq: m.Seq}
			}
		}
	}
	return &topics.Expect{Version: row.Version}
}
