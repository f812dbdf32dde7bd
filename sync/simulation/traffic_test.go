package simulation

import (
	"context"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// arrive lets the oldest message of a peer reach the server.
func (w *world) arrive(p *peer) {
	if p.line == nil {
		return
	}
	if message := p.line.arrive(); message != nil {
		w.trace("%s says %s", p.name, message)
		w.rest()
		w.count(p.line, message)
	}
}

// count notes what a subscription was given, and where it began.
func (w *world) count(l *line, message []byte) {
	f, err := frame.Decode(message, w.engine.Limits().Strict())
	s, ok := f.(frame.Subscribe)
	if err != nil || !ok {
		return
	}
	plans := l.session.Plans()
	for _, want := range s.Topics {
		topic := topics.Name(want.Topic)
		plan, ok := plans[topic]
		head, err := w.engine.Position(context.Background(), w.peers[0].identity(), topic)
		if !ok || err != nil {
			continue
		}
		if want.Position != nil {
			w.census.add("resume", plan.String())
		}
		l.resumes[want.Topic] = append(l.resumes[want.Topic], resume{head: head, seen: make(map[string]topics.Version)})
	}
}

// pull takes the server's next words for a peer, unless it is slow and has unread ones.
func (w *world) pull(p *peer) {
	if p.line != nil && len(p.line.down) < 6 {
		p.line.pull()
	}
}

// deliver lets the oldest frame reach a peer, or the end of its line.
func (w *world) deliver(p *peer) {
	l := p.line
	switch {
	case l == nil:
	case len(l.down) > 0:
		raw := l.down[0]
		l.down = l.down[1:]
		p.hear(raw)
	case l.ended:
		w.trace("%s hears the line end", p.name)
		l.drop()
		p.hangUp()
	}
}

// line connects a peer, or takes its line away: at both ends, or so that the server
// still gets what was on the way.
func (w *world) line(p *peer) {
	if p.line == nil {
		p.connect()
		return
	}
	if w.rng.IntN(3) > 0 {
		return
	}
	w.trace("%s loses its line", p.name)
	if l := p.line; w.rng.IntN(2) == 0 {
		w.old = append(w.old, l)
	} else {
		l.drop()
	}
	p.hangUp()
}

// leftover lets messages reach a session whose client is gone, and ends it some time.
func (w *world) leftover() {
	if len(w.old) == 0 {
		return
	}
	i := w.rng.IntN(len(w.old))
	l := w.old[i]
	if message := l.arrive(); message != nil {
		w.trace("a left line says %s", message)
		w.rest()
		if w.rng.IntN(4) > 0 {
			return
		}
	}
	l.drop()
	w.old = append(w.old[:i], w.old[i+1:]...)
}

// lose takes single messages away, or doubles them, in histories that are lossy.
func (w *world) lose(p *peer) {
	if !w.lossy || p.line == nil {
		return
	}
	list := &p.line.down
	if w.rng.IntN(2) == 0 {
		list = &p.line.up
	}
	if len(*list) == 0 {
		return
	}
	i := w.rng.IntN(len(*list))
	kept := append([][]byte(nil), (*list)[:i]...)
	if w.rng.IntN(2) == 0 {
		w.trace("%s: a message comes twice: %s", p.name, (*list)[i])
		kept = append(kept, (*list)[i], (*list)[i])
	} else {
		w.trace("%s: a message is lost: %s", p.name, (*list)[i])
	}
	*list = append(kept, (*list)[i+1:]...)
}

func (w *world) beat(p *peer) {
	if p.line != nil {
		p.line.session.Beat()
	}
}

func (w *world) load(p *peer) {
	p.desks[w.rng.IntN(len(p.desks))].load(p)
}
