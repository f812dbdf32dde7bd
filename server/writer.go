package server

import (
	"bytes"
	"strconv"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
)

// The states of a connection's writer. A wake moves idle to waiting or writing, and
// writing to again, so that none is lost between a Next that said nothing and the
// writer's rest. Whoever moves idle or waiting to something else that writes starts
// the goroutine.
const (
	stateOpening   int32 = iota // the handshake is under way; the writer starts after it
	stateDismissed              // likewise, and goodbye is the first thing it will say
	stateIdle                   // no writer; the session's wake starts one
	stateWaiting                // no writer yet; the next beat starts one
	stateWriting                // a writer is at work, or the flushers are about to be
	stateAgain                  // a writer is at work, and has been woken since it last asked
	stateLeaving                // a writer says what is ready, and goodbye
	stateOver                   // the reader has ended; no writer starts any more
)

// open starts the first writer. From here on others may use the link.
func (c *connection) open() {
	if !c.state.CompareAndSwap(stateOpening, stateWriting) {
		c.state.Store(stateLeaving)
	}
	c.server.connections.goroutines.Go(c.write)
}

// wake sees to it that what the session has to say is said: at once to a peer that
// has not been written to for a while, or that has just said something and awaits
// its answer, and otherwise with the next beat.
func (c *connection) wake() {
	for {
		switch c.state.Load() {
		case stateIdle:
			if c.asked.Load() || time.Since(c.spoke.at()) > window {
				if c.begin(stateIdle) {
					return
				}
			} else if c.state.CompareAndSwap(stateIdle, stateWaiting) {
				c.server.pulse.add(c)
				return
			}
		case stateWriting:
			if c.state.CompareAndSwap(stateWriting, stateAgain) {
				return
			}
		default:
			return
		}
	}
}

// begin has the flushers write, in place of a state without a writer.
func (c *connection) begin(from int32) bool {
	if !c.state.CompareAndSwap(from, stateWriting) {
		return false
	}
	c.server.flushers.add(c)
	return true
}

// finish has the writer say what is ready, up to one turn, and then goodbye. The
// first ending counts.
func (c *connection) finish(e ending) {
	c.ending.CompareAndSwap(nil, &e)
	for {
		state, next := c.state.Load(), stateLeaving
		switch state {
		case stateDismissed, stateLeaving, stateOver:
			return
		case stateOpening:
			next = stateDismissed
		}
		if c.state.CompareAndSwap(state, next) {
			if state == stateIdle || state == stateWaiting {
				c.server.connections.goroutines.Go(c.write)
			}
			return
		}
	}
}

// write says what the session has to say until there is nothing, or it is time to
// leave.
func (c *connection) write() {
	b := takeBuffer()
	defer b.giveBack()
	for {
		said, err := c.turn(b)
		if err != nil {
			c.cut() // then the session says nothing any more
		}
		switch state := c.state.Load(); {
		case state == stateLeaving:
			c.leave(b)
			return
		case state == stateOver:
			c.done <- struct{}{}
			return
		case said:
		case c.rest():
			return
		}
	}
}

// rest ends the writer's work, unless the session has been woken meanwhile.
func (c *connection) rest() bool {
	if c.state.CompareAndSwap(stateWriting, stateIdle) {
		return true
	}
	c.state.CompareAndSwap(stateAgain, stateWriting)
	return false
}

// leave says what became ready before the end, and goodbye.
func (c *connection) leave(b *buffer) {
	if _, err := c.turn(b); err == nil {
		e := *c.ending.Load()
		c.server.metrics.endings.WithLabelValues(strconv.Itoa(e.code)).Inc()
		c.link.close(e)
	}
	c.session.Close()
	c.done <- struct{}{}
}

// turn sends what the session gives at one go, and reports whether it gave anything.
func (c *connection) turn(b *buffer) (bool, error) {
	frames, err := c.frames(b)
	if err != nil || len(frames) == 0 {
		return false, err
	}
	defer c.spoke.now()
	return true, c.link.sendFrames(frames)
}

// frames are what the session gives at one go, ready for the line; they lie in b.
func (c *connection) frames(b *buffer) ([]byte, error) {
	c.asked.Store(false)
	if err := c.next(c.server.lifetime, b); err != nil || len(b.bytes) == headRoom {
		return nil, err
	}
	c.server.metrics.sent[transportWebSocket].Add(float64(len(b.bytes) - headRoom))
	said := bytes.TrimSuffix(b.bytes, []byte{'\n'})
	if c.form == statesync.FormFrames {
		return framed(said), nil
	}
	end := len(b.bytes)
	b.bytes = appendFrames(b.bytes, said[headRoom:])
	return b.bytes[end:], nil
}
