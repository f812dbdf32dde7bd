package simulation

import (
	"context"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// shown compares what a replica shows with the state that the server had there (P4),
// which never lies before what was shown (P5).
func (d *desk) shown(p *peer, f client.Frame) {
	r := d.sub.Replica
	kind := "commit"
	if f.Conflated || f.Type == "snapshot" {
		kind = "run"
	}
	if r.Mixed {
		p.w.census.add("shown", "mixed") // a run of over a minute: the one exception of P4
		return
	}
	p.w.census.add("shown", kind)
	if f.Type == "snapshot" && p.w.strict && d.resume != nil && d.resume.head.Epoch == r.Epoch && r.Consistent < d.resume.head.Version {
		p.w.fail("P6: %s loads %s when it is at %s, and is shown %d", p.name, d.topic, d.resume.head, r.Consistent)
	}
	want, ok := p.w.stateAt(d.topic, topics.Position{Epoch: r.Epoch, Version: r.Consistent})
	if !ok {
		p.w.fail("P4: %s shows %s at %s-%d, which is no state the server had", p.name, d.topic, r.Epoch, r.Consistent)
		return
	}
	if err := want.same(r.Rows(), true); err != nil {
		p.w.fail("P4: %s at %s-%d: %v", p.name, r.Epoch, r.Consistent, err)
	}
}

// heardOf looks at a frame before it is applied.
func (d *desk) heardOf(p *peer, f client.Frame) {
	switch f.Type {
	case "subscribed":
		d.resume = nil
		if l := p.line; l != nil && len(l.resumes[string(d.topic)]) > 0 {
			d.resume = &l.resumes[string(d.topic)][0]
			l.resumes[string(d.topic)] = l.resumes[string(d.topic)][1:]
		}
	case "events":
		d.deltas(p, f)
		if d.sub.Following() && p.w.strict {
			d.proportional(p, f)
			d.everyOne(p, f)
		}
	}
}

// paced holds a subscription with max_rate to it, as the server makes its frames.
func (p *peer) paced(raw []byte) {
	frames, err := client.ParseFrames(raw)
	if err != nil {
		p.w.fail("%v: %s", err, raw)
		return
	}
	f, brought := frames[0], p.line.brought
	switch f.Type {
	case "subscribed", "resync":
		delete(brought, f.Topic)
	case "snapshot", "events":
		rate := p.desk(f.Topic).sub.MaxRate
		if f.More || rate == 0 {
			return
		}
		if before, ok := brought[f.Topic]; ok {
			p.w.census.add("paced", "shown")
			if p.w.now().Sub(before).Seconds() < 1/rate-1e-6 {
				p.w.fail("R-7: %s wants %s at most %g times a second, and gets %s after %s", p.name, f.Topic, rate, raw, p.w.now().Sub(before))
			}
		}
		brought[f.Topic] = p.w.now()
	}
}

// deltas counts the events that came without the row that they make, and holds those
// who did not ask to none.
func (d *desk) deltas(p *peer, f client.Frame) {
	for _, e := range f.Events {
		if len(e.Patch) == 0 || len(e.Data.Payload) > 0 {
			continue
		}
		if p.w.census.add("delta", e.Op); !d.sub.Deltas || f.Conflated {
			p.w.fail("E-15: %s gets a delta of %s: %+v", p.name, d.topic, f)
		}
	}
}

// proportional holds a cursor that came back to one event per changed entity (P10).
func (d *desk) proportional(p *peer, f client.Frame) {
	if d.mode != client.Latest || d.resume == nil || d.resume.head.Epoch != f.Epoch {
		return
	}
	for _, e := range f.Events {
		known := e.Version <= d.sub.Replica.Position.Version // a frame of the tail is a whole commit
		if e.Op == "none" || e.Version > d.resume.head.Version || known {
			continue
		}
		if before, twice := d.resume.seen[e.Data.EntityID]; twice {
			p.w.fail("P10: %s came back at a head of %d and got %s at %d and at %d", p.name, d.resume.head.Version, e.Data.EntityID, before, e.Version)
		}
		d.resume.seen[e.Data.EntityID] = e.Version
	}
}

// everyOne holds a cursor in mode every to every event (P5).
func (d *desk) everyOne(p *peer, f client.Frame) {
	if d.mode != client.Every {
		return
	}
	if f.Conflated || f.To-f.From != topics.Version(len(f.Events)) {
		p.w.fail("P5: %s asked for every event of %s and got %d for (%d, %d]", p.name, d.topic, len(f.Events), f.From, f.To)
	}
	for i, e := range f.Events {
		if e.Version != f.From+topics.Version(i)+1 {
			p.w.fail("P1: %s hears version %d as number %d after %d", p.name, e.Version, i+1, f.From)
		}
	}
}

// emitted looks at what the user sees now. A write of hers that the server has applied
// is either in what the replica shows or on top of it: once seen it never goes away
// and comes back.
func (d *desk) emitted(p *peer) {
	if d.sub.Replica.Mixed {
		return
	}
	layers := make(map[write]bool)
	for _, m := range d.view.Layers() {
		layers[write{m.Client, m.Seq}] = true
	}
	p.w.ledger.mu.Lock()
	defer p.w.ledger.mu.Unlock()
	h := p.w.ledger.of(d.topic)
	r := d.sub.Replica
	base := h.find(r.Epoch)
	for w, mine := range p.writes {
		if mine.topic != d.topic || layers[w] || mine.settled != nil && (mine.settled.Unknown || mine.settled.Code == topics.CodeEpochChanged) {
			continue
		}
		for _, life := range h.lives {
			version, ok := life.applied[w]
			if mine.settled != nil && mine.settled.Position.Epoch != life.epoch || h.appliedBefore(life, w) {
				continue
			}
			holds := base != nil && (base.number > life.number || base == life && r.Consistent >= version)
			if ok && !holds && !h.dead(life) {
				p.w.fail("flicker: %s does not see its write %v, which is at %s-%d; its replica shows %s-%d", p.name, w, life.epoch, version, r.Epoch, r.Consistent)
			}
		}
	}
}

// check compares a final answer with what the ledger knows.
func (p *peer) check(d *desk, s *client.Settled) {
	w := write{s.Mutation.Client, s.Mutation.Seq}
	mine := p.writes[w]
	if mine.settled != nil {
		p.w.fail("P3: %s: %v settles twice: %v, then %v", p.name, w, mine.settled.Status, s.Status)
	}
	mine.settled = s
	p.w.ledger.mu.Lock()
	defer p.w.ledger.mu.Unlock()
	h := p.w.ledger.of(d.topic)
	status := s.Status.String()
	if s.Unknown {
		status = "unknown"
	}
	p.w.census.add("status", status)
	switch life := h.find(s.Position.Epoch); {
	case s.Unknown:
		if h.deletions == p.writes[write{w.client, 1}].deletions && s.Answer.Code != topics.CodeEpochChanged {
			p.w.fail("P3: %s: the lane of %v is gone (%s), but its topic never was", p.name, w, s.Answer.Code)
		}
	case s.Status == topics.StatusRejected:
		p.checkRejected(h, w, s)
	case s.Status == topics.StatusUnchanged:
		if life != nil && life.applied[w] != 0 {
			p.w.fail("P3: %s: %v is said to be unchanged, but is at version %d", p.name, w, life.applied[w])
		}
		d.acked = s.Position
	case life == nil || life.applied[w] != s.Position.Version:
		p.w.fail("P2: %s: %v is acked at %s, but the log does not have it there", p.name, w, s.Position)
	default:
		d.acked = s.Position
	}
}

func (p *peer) checkRejected(h *history, w write, s *client.Settled) {
	for _, life := range h.lives {
		if life.applied[w] != 0 && life.epoch == s.Answer.Epoch {
			p.w.fail("P3: %s: %v is rejected (%s), but is at version %d", p.name, w, s.Code, life.applied[w])
		}
	}
}

// load reads the topic over the other road: what an ack has promised must be there (P6).
func (d *desk) load(p *peer) {
	page, err := p.w.engine.Snapshot(context.Background(), p.identity(), d.topic, 0, "")
	if err != nil {
		return // the store is being replaced
	}
	frames, err := client.ParseFrames(page.Frame)
	if err != nil {
		p.w.fail("%v", err)
		return
	}
	if page.Position.Epoch == d.acked.Epoch && page.Position.Version < d.acked.Version {
		p.w.fail("P6: %s has an ack at %s, and a load shows %s", p.name, d.acked, page.Position)
	}
	fresh := client.NewReplica()
	fresh.Apply(frames[0])
	if want, ok := p.w.stateAt(d.topic, page.Position); !ok {
		p.w.fail("P4: a load shows %s", page.Position)
	} else if err := want.same(fresh.Rows(), true); err != nil {
		p.w.fail("P4: a load at %s: %v", page.Position, err)
	}
}
