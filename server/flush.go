package server

import (
	"runtime"
	"sync"
)

const (
	// flushBatch is how many connections are written to before others may run.
	flushBatch = 32
	// flushCrowd is how many wait when another goroutine comes to help, be it because
	// there are cores for it or because the first one waits for a disk.
	flushCrowd = 128
)

// flushers write to connections that have been woken, without ever waiting for a
// peer: a line that does not take its bytes at once is left to a goroutine of its
// own. So one goroutine, with one buffer and one warm stack, serves a thousand lines
// in a row, and there is none while nothing is to be written. A write that directly
// follows another is much the cheaper for it: whoever reads has not fallen asleep yet.
type flushers struct {
	connections *connections

	mu      sync.Mutex
	waiting []*connection // their state is stateWriting or has gone on from it; in order
	running int           // goroutines at work
}

// add has a connection written to. Its state is stateWriting, so it is open.
func (f *flushers) add(c *connection) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, c)
	if f.running == 0 || len(f.waiting) > flushCrowd && f.running < max(2, runtime.GOMAXPROCS(0)) {
		f.running++
		f.connections.goroutines.Go(f.run)
	}
}

// run writes until nobody waits.
func (f *flushers) run() {
	b := takeBuffer()
	defer b.giveBack()
	var batch [flushBatch]*connection
	for {
		n := f.take(batch[:])
		if n == 0 {
			return
		}
		for i, c := range batch[:n] {
			batch[i] = nil
			if !c.writeNow(b) {
				f.connections.goroutines.Go(c.write)
			}
		}
		runtime.Gosched()
	}
}

// take moves those who have waited longest into batch, or ends the caller's work.
func (f *flushers) take(batch []*connection) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(batch, f.waiting)
	clear(f.waiting[:n])
	if f.waiting = f.waiting[n:]; n == 0 {
		f.running--
		f.waiting = nil
	}
	return n
}

// turnsAtOnce is how many turns of one connection are written before the others'.
const turnsAtOnce = 4

// writeNow says what the session has to say, as far as the line takes it at once. It
// reports false where a goroutine of the connection's own has to go on with write.
func (c *connection) writeNow(b *buffer) bool {
	for range turnsAtOnce {
		frames, err := c.frames(b)
		if err == nil && len(frames) > 0 {
			var rest func() error
			if rest, err = c.link.sendNow(frames); rest != nil {
				c.server.connections.goroutines.Go(func() { c.writeOn(rest) })
				return true
			}
			c.spoke.now()
		}
		if err != nil {
			c.cut() // then the session says nothing any more
		}
		switch state := c.state.Load(); {
		case state == stateLeaving || state == stateOver:
			return false // write does what is due
		case len(frames) == 0 && c.rest():
			return true
		}
	}
	return false
}

// writeOn writes what the line did not take at once, and goes on from there.
func (c *connection) writeOn(rest func() error) {
	if err := rest(); err != nil {
		c.cut()
	}
	c.spoke.now()
	c.write()
}
