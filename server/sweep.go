package server

import (
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// longestSweep is the most time between two looks at a connection.
const longestSweep = 500 * time.Millisecond

// sweep looks at all connections now and then, until there are none: who has been
// silent for too long hears where it is, who is not heard of is asked for a sign of
// life, and who gives none is cut.
func (l *connections) sweep() {
	every := min(l.server.engine.Heartbeat()/4, l.server.limits.WriteDeadline/4, longestSweep)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, c := range l.list() {
				c.look(every)
			}
		case <-l.empty:
			if l.stopSweeping() {
				return
			}
		}
	}
}

func (l *connections) stopSweeping() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeping = len(l.open) > 0
	return !l.sweeping
}

// look judges one connection. The next look comes after the given time.
func (c *connection) look(next time.Duration) {
	switch c.state.Load() {
	case stateOpening, stateDismissed, stateOver:
		return
	}
	heartbeat := c.server.engine.Heartbeat()
	stuck, unheard := c.link.stuck(), time.Since(c.link.heard())
	switch {
	case c.session.Identity().Expired(time.Now()):
		c.expire()
	case stuck > c.server.limits.WriteDeadline:
		c.drop("write_deadline", "it takes no bytes")
	case stuck > 0: // a slow transfer is not silence
	case unheard > 2*heartbeat:
		c.drop("heartbeat", "it gives no sign of life")
	default:
		if unheard > heartbeat-next {
			c.ask()
		}
		// A plain client is sent nothing unasked that has no topic; the ping, which its
		// code does not see, has to do.
		if c.form == statesync.FormFrames && time.Since(c.spoke.at()) > heartbeat-next {
			c.session.Beat()
		}
	}
}

// expire ends a connection whose token no longer holds. From here on nothing is
// read for it (P8).
func (c *connection) expire() {
	expire(c.session)
	e, _ := endingOf(errTokenExpired())
	c.finish(e)
}

// expire takes a session's grants away and says why.
func expire(s *statesync.Session) {
	id := s.Identity()
	if id.Grants == nil {
		return // it has been told
	}
	id.Grants = nil
	if err := s.Refresh(id); err == nil {
		s.Error(errTokenExpired())
	}
}

func errTokenExpired() *topics.Error {
	return topics.Errorf(topics.CodeUnauthorized, "token", "has expired; come back with a new one")
}

// drop cuts a connection that nobody seems to be at the other end of.
func (c *connection) drop(limit, why string) {
	c.server.metrics.bound(limit)
	c.server.log.Info("connection cut", "session", c.session.ID(), "trace_id", c.trace, "cause", why)
	c.cutOpen()
}

// cutOpen cuts a connection from outside. It does not wait for a session that is
// reading.
func (c *connection) cutOpen() {
	if c.state.Load() > stateDismissed {
		c.link.cut()
		c.server.connections.goroutines.Go(c.session.Close)
	}
}

// ask sends a ping, unless one is under way. Its pong is noticed by the link.
func (c *connection) ask() {
	if !c.pinging.CompareAndSwap(false, true) {
		return
	}
	c.server.connections.goroutines.Go(func() {
		defer c.pinging.Store(false)
		_ = c.link.ping() // a failure shows as silence
	})
}
