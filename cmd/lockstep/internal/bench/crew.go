//go:build linux

package bench

import (
	"fmt"
	"net/netip"
	"time"
)

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// crew is the load of one job: lines that follow and lines that write.
type crew struct {
	job        Job
	loop       *loop
	contestant contestant
	address    netip.AddrPort
	ears       ears

	followers []*line
	writers   []*writer
	eager     []*writer // whose window has room again

	published, acked uint64
	received         uint64 // by all followers
	ready            int
	closed           bool // nothing is published any more
}

// writer is a line that publishes.
type writer struct {
	*line
	client  string
	window  int
	unacked int
	seqs    []uint64 // by topic
	eager   bool
	batch   []mutation
	bytes   []byte
}

func newCrew(job Job) (*crew, error) {
	address, err := netip.ParseAddrPort(job.Address)
	if err != nil {
		return nil, err
	}
	who, err := newContestant(job.Contestant, job.HTTP)
	if err != nil {
		return nil, err
	}
	l, err := newLoop()
	if err != nil {
		return nil, err
	}
	job.Topics, job.Entities = max(1, job.Topics), max(1, job.Entities)
	c := &crew{job: job, loop: l, contestant: who, address: address}
	c.ears.ready = func(*line) error { c.ready++; return nil }
	c.ears.events = func(_ *line, _ int, from, to uint64) { c.received += to - from }
	return c, nil
}

// join dials the lines that change makes of blank ones, and waits until all are ready.
func (c *crew) join(n int, change func(i int, l *line)) ([]*line, error) {
	var lines []*line
	want := c.ready + n
	for i := range n {
		l := &line{loop: c.loop, name: fmt.Sprintf("follower %d", i), talk: c.contestant.follower(), follow: follow{ears: &c.ears}}
		change(i, l)
		if err := c.dial(l); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, c.loop.until("connecting", patience, func() bool { return c.ready == want })
}

// dial opens one line, and goes on with the others while too many are opening.
func (c *crew) dial(l *line) error {
	if err := c.loop.until("connecting", patience, func() bool { return c.loop.opening < maxOpening }); err != nil {
		return err
	}
	return c.loop.dial(c.address, l)
}

// followAll has n lines follow the one topic.
func (c *crew) followAll(n int) error {
	lines, err := c.join(n, func(_ int, l *line) { l.stands, l.every = []stand{{}}, true })
	c.followers = append(c.followers, lines...)
	return err
}

// hire makes the writers ready, and has them go on as acknowledgements come.
func (c *crew) hire() error {
	c.ears.acked = func(l *line, n int) error {
		w, ok := l.state.(*writer)
		if !ok || w.unacked < n {
			return unexpected([]byte("an acknowledgement too many"))
		}
		w.unacked -= n
		c.acked += uint64(n) //nolint:gosec // not negative
		c.wants(w)
		return nil
	}
	for i := range c.job.Writers {
		w := &writer{client: fmt.Sprintf("w%d", i), window: c.job.Outstanding, seqs: make([]uint64, c.job.Topics)}
		w.line = &line{loop: c.loop, name: w.client, talk: c.contestant.writer(), follow: follow{ears: &c.ears}, state: w}
		if err := c.dial(w.line); err != nil {
			return err
		}
		c.writers = append(c.writers, w)
	}
	want := len(c.followers) + len(c.writers)
	return c.loop.until("connecting the writers", patience, func() bool { return c.ready >= want })
}

func (c *crew) wants(w *writer) {
	if !w.eager && !c.closed {
		w.eager = true
		c.eager = append(c.eager, w)
	}
}

// publish has a writer send n mutations, in one go.
func (c *crew) publish(w *writer, n int) error {
	w.batch = w.batch[:0]
	for range n {
		c.published++
		topic := int(c.published % uint64(c.job.Topics)) //nolint:gosec // small
		w.seqs[topic]++
		w.unacked++
		w.batch = append(w.batch, mutation{
			client: w.client, seq: w.seqs[topic], n: c.published, topic: topic,
			entity: int(c.published % uint64(c.job.Entities)), //nolint:gosec // small
		})
	}
	w.bytes = c.contestant.publish(w.bytes[:0], w.batch)
	return w.send(w.bytes)
}

// press publishes as fast as windows allow, for a time, and then waits until all is
// acknowledged and every follower has all.
func (c *crew) press(long time.Duration, each int) error {
	end := time.Now().Add(long)
	c.closed = false
	for _, w := range c.writers {
		c.wants(w)
	}
	for time.Now().Before(end) {
		eager := c.eager
		c.eager = nil
		for _, w := range eager {
			w.eager = false
			if err := c.publish(w, w.window-w.unacked); err != nil {
				return err
			}
		}
		if err := c.loop.step(end); err != nil {
			return err
		}
	}
	c.closed = true
	return c.drain(each)
}

// drain waits until what was published has arrived, and no more than that.
func (c *crew) drain(each int) error {
	want := func() uint64 { return c.published * uint64(each) } //nolint:gosec // small
	err := c.loop.until("the last deliveries", patience, func() bool { return c.acked >= c.published && c.received >= want() })
	if err != nil {
		return fmt.Errorf("%w; %d published, %d acknowledged, %d of %d delivered", err, c.published, c.acked, c.received, want())
	}
	if c.received != want() {
		return fmt.Errorf("%d delivered, and %d published for %d", c.received, c.published, each)
	}
	for _, w := range c.eager {
		w.eager = false
	}
	c.eager = nil
	return nil
}
