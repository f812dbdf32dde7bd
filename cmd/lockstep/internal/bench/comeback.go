//go:build linux

package bench

import (
	"errors"
	"fmt"
	"time"
)

// settling is how long idle sessions are left alone before they are weighed.
const settling = 3 * time.Second

// idle weighs sessions that follow a topic where nothing happens.
func idle(c *crew) (Result, error) {
	few := max(1, c.job.Followers/100) // so that what exists once is there already
	if err := c.followAll(few); err != nil {
		return Result{}, err
	}
	before, err := resident(c.job.PID)
	if err != nil {
		return Result{}, err
	}
	s, err := c.measured(func() error {
		if err := c.followAll(c.job.Followers); err != nil {
			return err
		}
		end := time.Now().Add(min(settling, 4*c.job.For))
		for time.Now().Before(end) {
			if err := c.loop.step(end); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	after, err := resident(c.job.PID)
	return Result{Foreign: s.foreign, Measures: []Measure{
		{bytesPerSession, "B", float64(after-before) / float64(c.job.Followers)},
	}}, err
}

// fill publishes what clients are going to miss, after as many events that they
// have, and says where they are.
func fill(c *crew) (Result, error) {
	watcher, err := c.join(1, func(_ int, l *line) { l.stands, l.every = []stand{{}}, true })
	if err != nil {
		return Result{}, err
	}
	c.followers = watcher
	if err := c.hire(); err != nil {
		return Result{}, err
	}
	from := position{}
	for round := range 2 {
		if round == 1 {
			from.Version = watcher[0].stands[0].at
		}
		for left := c.job.Missed; left > 0; left -= c.job.Outstanding {
			if err := c.publish(c.writers[0], min(left, c.job.Outstanding)); err != nil {
				return Result{}, err
			}
			if err := c.drain(1); err != nil {
				return Result{}, err
			}
		}
	}
	late, err := c.join(1, func(_ int, l *line) { l.stands = []stand{{}} })
	if err != nil {
		return Result{}, err
	}
	from.Epoch, _ = late[0].state.(string) // a topic has its own from its first commit on
	return Result{From: &from}, nil
}

// resume counts the time until all clients are back that have missed events: from
// the first connection to the last event. What they missed is in the server's
// memory, or, where it has been started anew since, on its disk.
func resume(c *crew) (Result, error) {
	if c.job.Contestant == socket {
		return resumeSocketIO(c)
	}
	if c.job.From == nil {
		filled, err := fill(c)
		if err != nil {
			return Result{}, err
		}
		c.job.From = filled.From
	}
	from := *c.job.From
	return c.storm(func(_ int, l *line) {
		l.stands, l.from, l.counting = []stand{{}}, from, true
	})
}

// storm has all followers come, and waits until each has what it missed.
func (c *crew) storm(change func(i int, l *line)) (Result, error) {
	c.received = 0
	want := uint64(c.job.Followers) * uint64(c.job.Missed) //nolint:gosec // small
	var lines []*line
	s, err := c.measured(func() error {
		var err error
		if lines, err = c.join(c.job.Followers, change); err != nil {
			return err
		}
		return c.loop.until("the last events missed", patience, func() bool { return c.received >= want })
	})
	if err != nil {
		return Result{}, fmt.Errorf("%w; %d of %d delivered", err, c.received, want)
	}
	for _, l := range lines {
		if l.got != uint64(c.job.Missed) || l.counting && l.events != l.got { //nolint:gosec // small
			return Result{}, fmt.Errorf("%s missed %d events, and came to %d versions with %d events", l.name, c.job.Missed, l.got, l.events)
		}
	}
	return Result{Foreign: s.foreign, Measures: []Measure{
		{allBack, "ms", s.wall.Seconds() * 1000},
		{cpuPerDelivery, "ns", per(s.server, want)},
		s.share(),
	}}, nil
}

// resumeSocketIO uses that server's connection state recovery: clients that were
// there once, and got an event, come back with their session and offset.
func resumeSocketIO(c *crew) (Result, error) {
	if err := c.followAll(c.job.Followers); err != nil {
		return Result{}, err
	}
	if err := c.hire(); err != nil {
		return Result{}, err
	}
	if err := c.publish(c.writers[0], 1); err != nil {
		return Result{}, err
	}
	if err := c.drain(c.job.Followers); err != nil {
		return Result{}, err
	}
	gone := c.followers
	for _, l := range gone {
		c.loop.cut(l)
	}
	c.followers, c.ready = nil, 0
	for left := c.job.Missed; left > 0; left -= c.job.Outstanding {
		if err := c.publish(c.writers[0], min(left, c.job.Outstanding)); err != nil {
			return Result{}, err
		}
		if err := c.loop.until("acknowledgements", patience, func() bool { return c.acked == c.published }); err != nil {
			return Result{}, err
		}
	}
	return c.storm(func(i int, l *line) {
		l.stands, l.state = []stand{{at: 1, known: true}}, gone[i].state
	})
}

// joins counts loads of a whole topic, by lines that ask again as soon as they have it.
func joins(c *crew) (Result, error) {
	watchers, err := c.join(1, func(_ int, l *line) { l.stands, l.every = []stand{{}}, true })
	if err != nil {
		return Result{}, err
	}
	c.followers = watchers
	if err := c.hire(); err != nil {
		return Result{}, err
	}
	for left := c.job.Entities; left > 0; left -= c.job.Outstanding {
		if err := c.publish(c.writers[0], min(left, c.job.Outstanding)); err != nil {
			return Result{}, err
		}
		if err := c.drain(1); err != nil {
			return Result{}, err
		}
	}
	lines, err := c.join(c.job.Followers, func(_ int, l *line) { l.stands = []stand{{}} })
	if err != nil {
		return Result{}, err
	}
	return c.joinAgain(lines)
}

func (c *crew) joinAgain(lines []*line) (Result, error) {
	asker, ok := c.contestant.(lockstep)
	if !ok {
		return Result{}, errors.New("joins are measured of the product only")
	}
	end := time.Now().Add(c.job.For)
	var count uint64
	under := len(lines)
	at := lines[0].stands[0].at
	c.ears.joined = func(l *line) error {
		if l.stands[0].at != at {
			return fmt.Errorf("joined at %d, and the topic is at %d", l.stands[0].at, at)
		}
		count++
		if !l.loop.now.Before(end) {
			under--
			return nil
		}
		return asker.subscribe(l)
	}
	s, err := c.measured(func() error {
		for _, l := range lines {
			if err := asker.subscribe(l); err != nil {
				return err
			}
		}
		return c.loop.until("the last joins", patience, func() bool { return under == 0 })
	})
	return Result{Foreign: s.foreign, Measures: []Measure{
		{joinsPerSecond, "/s", rate(count, s.wall)}, {"cpu/join", "ns", per(s.server, count)}, s.share(),
	}}, err
}
