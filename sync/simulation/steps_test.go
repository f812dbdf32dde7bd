package simulation

import (
	"context"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// steps are what can happen, and how often compared with each other.
var steps = []struct {
	weight int
	do     func(*world, *peer)
}{
	{14, func(_ *world, p *peer) { p.write() }},
	{22, (*world).arrive},
	{22, (*world).pull},
	{22, (*world).deliver},
	{26, func(w *world, _ *peer) { w.gate() }},
	{4, func(w *world, _ *peer) { w.pass(time.Duration(w.rng.IntN(3000)) * time.Millisecond) }},
	{2, func(w *world, _ *peer) { w.passLong() }},
	{6, (*world).line},
	{3, (*world).lose},
	{2, func(w *world, _ *peer) { w.leftover() }},
	{2, (*world).beat},
	{2, (*world).load},
	{1, func(w *world, _ *peer) { w.delete() }},
	{1, func(w *world, _ *peer) { w.compact() }},
	{1, func(w *world, _ *peer) { w.restart() }},
	{2, func(w *world, _ *peer) { w.fraud.act() }},
}

var allWeights = func() (sum int) {
	for _, s := range steps {
		sum += s.weight
	}
	return sum
}()

func (w *world) step() {
	p := w.peers[w.rng.IntN(len(w.peers))]
	n := w.rng.IntN(allWeights)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do(w, p)
			return
		}
	}
}

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

// gate decides what becomes of a commit that waits.
func (w *world) gate() {
	waiting := w.disk.gates()
	if len(waiting) == 0 {
		return
	}
	g := waiting[w.rng.IntN(len(waiting))]
	fault := memory.NoFault
	if n := w.rng.IntN(60); n < 3 && !g.durable {
		fault = []memory.Fault{memory.Full, memory.UnknownLost, memory.UnknownApplied}[n]
	}
	w.trace("commit on %s: durable %v, fault %d", g.topic.Name, g.durable, fault)
	switch fault {
	case memory.NoFault:
	case memory.Full:
		w.census.add("store", "full")
	default: // the engine replaces the store: no other call may wait for the simulation
		w.census.add("store", map[memory.Fault]string{memory.UnknownLost: "lost", memory.UnknownApplied: "applied"}[fault])
		d := w.disk
		d.mu.Lock()
		d.open = true
		d.mu.Unlock()
		for _, other := range d.gates() {
			if other != g {
				d.let(other, memory.NoFault)
				w.rest()
			}
		}
	}
	w.disk.let(g, fault)
}

// pass lets time pass, and everybody do what is due.
func (w *world) pass(d time.Duration) {
	w.trace("%s pass", d)
	time.Sleep(d)
	w.rest()
	for _, p := range w.peers {
		p.tick()
	}
}

// passLong lets runs expire and floors move.
func (w *world) passLong() {
	if w.rng.IntN(2) == 0 {
		w.pass(store.RunLife + 10*time.Second)
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

// delete ends a topic's incarnation, sooner or later.
func (w *world) delete() {
	if w.rng.IntN(5) > 0 {
		return
	}
	topic, e := w.names[w.rng.IntN(len(w.names))], w.engine
	w.trace("%s is deleted", topic)
	w.census.add("topic", "deleted")
	go func() { _ = e.Delete(context.Background(), w.peers[0].identity(), topic) }() // it may fail: the store can be gone
}

// compact moves floors as far as can be, under the engine's feet.
func (w *world) compact() {
	topic := store.Topic{Tenant: topics.DefaultTenant, Name: w.names[w.rng.IntN(len(w.names))]}
	head, err := w.disk.Head(context.Background(), topic)
	if err != nil || head.Version == 0 {
		return
	}
	retention := topics.Version(w.rng.Uint64N(uint64(head.Version) + 1))
	floors := store.Floors{Retention: retention, Tombstones: topics.Version(w.rng.Uint64N(uint64(retention) + 1))}
	w.trace("%s is compacted to %+v", topic.Name, floors)
	if err := w.disk.Compact(context.Background(), topic, floors); err == nil {
		w.census.add("topic", "compacted")
	}
}

// restart ends the server, in an orderly way or not, and starts another one over what
// the store holds.
func (w *world) restart() {
	if w.rng.IntN(3) > 0 {
		return
	}
	kind, end := "crash", w.crash
	if w.rng.IntN(2) == 0 {
		kind, end = "restart", w.close
	}
	w.trace("server %s", kind)
	w.census.add("server", kind)
	end()
	w.rest()
	w.begin(w.disk.reopened())
	w.cutLines()
}

// crash ends the server at once: what was on its way to the disk is there, or is not.
func (w *world) crash() {
	w.cutLines()
	for _, g := range w.disk.gates() {
		if w.rng.IntN(2) == 0 && !g.durable {
			w.disk.let(g, memory.Full)
			w.rest()
		}
	}
	w.disk.openAll(w.rest)
	w.rest()
	if err := w.engine.Close(context.Background()); err != nil {
		w.fail("closing the engine: %v", err)
	}
}

// close ends the server when it has answered what it has taken. Meanwhile its clients
// go on, and are refused.
func (w *world) close() {
	e := w.engine
	go func() {
		if err := e.Close(context.Background()); err != nil {
			w.fail("closing the engine: %v", err)
		}
	}()
	w.rest()
	for range 20 {
		p := w.peers[w.rng.IntN(len(w.peers))]
		w.arrive(p)
		w.rest()
		w.pull(p)
		w.deliver(p)
	}
	w.disk.openAll(w.rest)
}

// cutLines ends every line at the server's end. What it has said still arrives.
func (w *world) cutLines() {
	for _, p := range w.peers {
		if p.line != nil && !p.line.ended {
			p.line.pull()
			p.line.drop()
			p.line.down = p.line.down[:w.rng.IntN(len(p.line.down)+1)]
		}
	}
	for _, l := range w.old {
		l.drop()
	}
	w.old = nil
	w.fraud.leave()
}
