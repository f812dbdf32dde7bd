package server

import (
	"sync"
	"time"
)

// window is how long a connection that has just been written to waits for more
// before it is written to again. A write costs as much as dozens of events in it, so
// what counts is how many share one; the first after a silence goes at once.
const window = time.Millisecond

// pulse lets writers begin together, at most one window after the first of them was
// woken. One timer serves all connections.
type pulse struct {
	mu      sync.Mutex
	waiting []*connection // their state is stateWaiting, or they have been taken over since
	spare   []*connection // the room of the last beat
	timer   *time.Timer   // set while somebody waits
}

// add has a connection's writer begin with the next beat.
func (p *pulse) add(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, c)
	switch {
	case len(p.waiting) > 1:
	case p.timer == nil:
		p.timer = time.AfterFunc(window, p.beat)
	default:
		p.timer.Reset(window)
	}
}

// beat starts the writers that wait.
func (p *pulse) beat() {
	p.mu.Lock()
	due := p.waiting
	p.waiting, p.spare = p.spare[:0], nil
	p.mu.Unlock()
	for _, c := range due {
		c.begin(stateWaiting)
	}
	clear(due)
	p.mu.Lock()
	p.spare = due[:0]
	p.mu.Unlock()
}
