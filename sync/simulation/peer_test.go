package simulation

import (
	"fmt"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// peer is one client: what it follows, what it has written, and its line.
type peer struct {
	w      *world
	name   string
	line   *line // nil: offline
	outbox *client.Outbox
	desks  []*desk // one per topic
	writes map[write]*written
	ids    int
}

// desk is a peer at one topic.
type desk struct {
	topic topics.Name
	mode  client.Mode
	sub   *client.Subscription
	view  *client.View

	retryAt time.Time // of a pause; zero: none
	askedAt time.Time
	sentAt  time.Time
	resume  *resume // of the cursor that is heard now
	acked   topics.Position
}

// resume is what a cursor began with. A cursor in mode latest brings one event of each
// entity up to the head it began at (P10).
type resume struct {
	head topics.Position
	seen map[string]topics.Version
}

// written is one mutation of a peer, and what it knows of it.
type written struct {
	mutation  topics.Mutation
	topic     topics.Name
	settled   *client.Settled
	deletions int // of the topic, when it was written
}

func newPeer(w *world, i int, window int) *peer {
	p := &peer{w: w, name: fmt.Sprintf("user%d", i), writes: make(map[write]*written)}
	p.outbox = client.NewOutbox(func() string { p.ids++; return fmt.Sprintf("p%dc%d", i, p.ids) })
	p.outbox.Window = window
	for n, topic := range w.names {
		mode := client.Latest
		if (i+n)%3 == 2 {
			mode = client.Every
		}
		sub := client.Subscribe(topic, mode)
		sub.Deltas = w.rng.IntN(2) == 0
		if mode == client.Latest && w.rng.IntN(3) == 0 {
			sub.MaxRate = []float64{0.5, 2, 50}[w.rng.IntN(3)]
		}
		p.desks = append(p.desks, &desk{topic: topic, mode: mode, sub: sub, view: client.NewView(sub.Replica)})
	}
	return p
}

func (p *peer) identity() statesync.Identity {
	return statesync.Identity{Tenant: topics.DefaultTenant, User: p.name, Grants: statesync.AllowAll{}}
}

func (p *peer) connect() {
	l, err := dial(p.w.engine, p.identity())
	if err == nil {
		p.line = l
		l.watch = p.paced
		p.pump()
	}
}

// hangUp notices that the line is gone.
func (p *peer) hangUp() {
	p.line = nil
	p.outbox.Lost()
	for _, d := range p.desks {
		d.sub.Lost()
		d.retryAt, d.resume = time.Time{}, nil
	}
}

// pump puts on the line what the client has to say.
func (p *peer) pump() {
	if p.line == nil {
		return
	}
	for _, d := range p.desks {
		if want, ok := d.sub.Ask(); ok {
			d.askedAt = p.w.now()
			id, oldest := p.outbox.Client(d.topic)
			want.OldestUnanswered = oldest
			p.line.up = append(p.line.up, client.EncodeSubscribe([]client.Want{want}, id))
		}
	}
	for _, m := range p.outbox.Take() {
		p.desk(m.Topic).sentAt = p.w.now()
		p.line.up = append(p.line.up, client.EncodeMutation(m))
	}
}

// tick does what is due by the clock.
func (p *peer) tick() {
	now := p.w.now()
	for _, d := range p.desks {
		if !d.retryAt.IsZero() && !now.Before(d.retryAt) {
			d.retryAt = time.Time{}
			p.outbox.Retry(d.topic)
		}
		if p.line == nil || p.w.strict {
			continue
		}
		if !d.sub.Following() && now.Sub(d.askedAt) > overdue {
			d.sub.Lost()
		}
		if d.retryAt.IsZero() && now.Sub(d.sentAt) > overdue {
			d.sentAt = now
			p.outbox.Overdue(d.topic)
		}
	}
	p.pump()
}

// overdue is when a client on a line that loses messages asks again.
const overdue = 5 * time.Second

func (p *peer) desk(topic topics.Name) *desk {
	for _, d := range p.desks {
		if d.topic == topic {
			return d
		}
	}
	panic("no desk for " + topic)
}

// hear takes one frame in.
func (p *peer) hear(raw []byte) {
	frames, err := client.ParseFrames(raw)
	if err != nil {
		p.w.fail("%v: %s", err, raw)
		return
	}
	for _, f := range frames {
		p.w.trace("%s hears %s", p.name, raw)
		switch f.Type {
		case "ack", "reject":
			p.answer(f)
		case "bye":
			p.line.drop()
			p.hangUp()
			return
		case "pong", "welcome":
		case "error":
			if f.Topic != "" {
				p.desk(f.Topic).sub.Lost()
			}
		default:
			p.desk(f.Topic).apply(p, f)
		}
	}
	p.pump()
}

func (p *peer) answer(f client.Frame) {
	d := p.desk(f.Topic)
	if f.Type == "reject" {
		p.w.census.add("reject", string(f.Code))
	}
	settled, pause := p.outbox.Answer(f)
	for i := range settled {
		d.view.Settle(settled[i])
		p.check(d, &settled[i])
		d.emitted(p)
	}
	if pause != nil {
		d.retryAt = p.w.now().Add(max(pause.After, time.Duration(p.w.rng.IntN(2000))*time.Millisecond))
	}
}

// apply takes a frame of the topic through the view.
func (d *desk) apply(p *peer, f client.Frame) {
	d.heardOf(p, f)
	effect := d.view.Apply(f, d.sub.Apply)
	switch effect {
	case client.Gap:
		p.w.census.add("gap", "repaired")
		if p.w.strict {
			p.w.fail("P5: %s has a gap at %s on a line that loses nothing: %+v", p.name, d.sub.Replica.Position, f)
		}
	case client.Shown:
		d.shown(p, f)
	case client.Reset:
		if f.Type == "resync" {
			p.w.census.add("resync", f.Reason)
		}
	case client.Ignored, client.Staged:
	}
	d.emitted(p)
}
