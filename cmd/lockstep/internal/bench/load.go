//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"
)

// kinds are the jobs that a load knows.
var kinds = map[string]func(*crew) (Result, error){
	"fanout": fanout, "latency": latency, "idle": idle, "acked": acked,
	"joins": joins, "fill": fill, "resume": resume, "topics": manyTopics,
}

// Load reads a job, does it, and writes its result. It is the whole of a load
// process. A failure to measure is a result, too.
func Load(in io.Reader, out io.Writer) error {
	debug.SetGCPercent(800) // the load's own collections are nobody's latency
	var job Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	result, err := do(job)
	if err != nil {
		result = Result{Fault: err.Error()}
	}
	return json.NewEncoder(out).Encode(result)
}

func do(job Job) (Result, error) {
	run := kinds[job.Kind]
	if run == nil {
		return Result{}, fmt.Errorf("there is no kind of work %q", job.Kind)
	}
	c, err := newCrew(job)
	if err != nil {
		return Result{}, err
	}
	defer c.loop.close()
	return run(c)
}

// measured runs work between two looks at the clocks.
func (c *crew) measured(work func() error) (spent, error) {
	m, err := startMeter(c.job.PID)
	if err != nil {
		return spent{}, err
	}
	if err := work(); err != nil {
		return spent{}, err
	}
	return m.stop()
}

func rate(n uint64, over time.Duration) float64 { return float64(n) / over.Seconds() }

func per(cost time.Duration, n uint64) float64 {
	return float64(cost.Nanoseconds()) / float64(max(1, n))
}

// share is how busy the load was.
func (s spent) share() Measure {
	return Measure{loadShare, "%", 100 * s.load.Seconds() / s.wall.Seconds()}
}

// fanout counts deliveries while so many mutations are outstanding all the time.
func fanout(c *crew) (Result, error) {
	if err := c.followAll(c.job.Followers); err != nil {
		return Result{}, err
	}
	return c.fan(c.job.Followers)
}

// manyTopics is the same over many topics, each with a few followers.
func manyTopics(c *crew) (Result, error) {
	n, each := c.job.Topics, c.job.PerTopic
	lines, err := c.join(n, func(i int, l *line) {
		for k := range each {
			l.stands = append(l.stands, stand{topic: (i + k*n/each) % n})
		}
		l.every = true
	})
	c.followers = lines
	if err != nil {
		return Result{}, err
	}
	return c.fan(each)
}

func (c *crew) fan(each int) (Result, error) {
	if err := c.hire(); err != nil {
		return Result{}, err
	}
	if err := c.press(c.job.Warm, each); err != nil {
		return Result{}, err
	}
	published, received := c.published, c.received
	s, err := c.measured(func() error { return c.press(c.job.For, each) })
	published, received = c.published-published, c.received-received
	return Result{Foreign: s.foreign, Measures: []Measure{
		{deliveriesPerSecond, "/s", rate(received, s.wall)},
		{eventsPerSecond, "/s", rate(published, s.wall)},
		{cpuPerDelivery, "ns", per(s.server, received)},
		s.share(),
	}}, err
}

// acked counts acknowledged mutations that nobody follows.
func acked(c *crew) (Result, error) {
	if err := c.hire(); err != nil {
		return Result{}, err
	}
	if err := c.press(c.job.Warm, 0); err != nil {
		return Result{}, err
	}
	before := c.acked
	s, err := c.measured(func() error { return c.press(c.job.For, 0) })
	return Result{Foreign: s.foreign, Measures: []Measure{
		{ackedPerSecond, "/s", rate(c.acked-before, s.wall)},
		{cpuPerMutation, "ns", per(s.server, c.acked-before)},
		s.share(),
	}}, err
}

// latency publishes at a steady pace. What counts is the time from when a mutation
// should have been sent to when each follower has read it.
func latency(c *crew) (Result, error) {
	if err := c.followAll(c.job.Followers); err != nil {
		return Result{}, err
	}
	if err := c.hire(); err != nil {
		return Result{}, err
	}
	if err := c.press(c.job.Warm, c.job.Followers); err != nil {
		return Result{}, err
	}
	offset := c.followers[0].stands[0].at - c.published // what peers number, we version
	first := c.published
	var due []time.Time
	var waits []time.Duration
	c.ears.events = func(_ *line, _ int, from, to uint64) {
		c.received += to - from
		for v := from + 1; v <= to; v++ {
			waits = append(waits, c.loop.now.Sub(due[v-offset-first-1]))
		}
	}
	count := max(1, int(c.job.For.Seconds()*float64(c.job.Rate)))
	s, err := c.measured(func() error { return c.pace(count, &due) })
	if err != nil {
		return Result{}, err
	}
	slices.Sort(waits)
	at := func(q float64) float64 {
		return waits[int(q*float64(len(waits)-1))].Seconds() * 1000
	}
	return Result{Foreign: s.foreign, Measures: []Measure{{latency50, "ms", at(0.5)}, {latency99, "ms", at(0.99)}, s.share()}}, nil
}

// pace publishes count mutations at the job's rate, each when it is due or as soon
// after that as the load gets to it.
func (c *crew) pace(count int, due *[]time.Time) error {
	every := time.Second / time.Duration(c.job.Rate)
	next := time.Now().Add(every)
	for len(*due) < count {
		if err := c.loop.step(next); err != nil {
			return err
		}
		for !time.Now().Before(next) && len(*due) < count {
			*due = append(*due, next)
			next = next.Add(every)
			if err := c.publish(c.writers[0], 1); err != nil {
				return err
			}
		}
	}
	return c.drain(c.job.Followers)
}
