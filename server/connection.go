package server

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// connection owns a link and its goroutines: one that receives, for as long as it
// lives, and one that sends, while there is something to send.
type connection struct {
	// Fixed before the connection's state leaves opening.
	server  *Server
	session *statesync.Session
	form    statesync.Form
	trace   string
	link    link
	ticket  *ticket
	early   *buffer // came before the session was there; nil: nothing did

	state   atomic.Int32           // of the writer; see writer.go
	ending  atomic.Pointer[ending] // set before the state becomes leaving; never changes
	done    chan struct{}          // holds a token once a writer that found the state leaving or over has stopped
	pinging atomic.Bool            // a ping awaits its pong
	spoke   stamp                  // a message was last sent
	asked   atomic.Bool            // the peer has said something since

	pace  pace  // owned by the reader
	taken stamp // the last message was taken; owned by the reader
}

// start opens the conversation on an accepted link. The connection is in the
// registry, which waits for it.
func (c *connection) start(l link) {
	c.link = l
	c.spoke.now()
	c.session.Subscribe(c.server.lifetime, c.unasked())
	c.open()
	if c.server.connections.isCut() {
		c.cut()
	}
	go c.read()
}

// unasked are the topics that a session follows without saying so: those that its
// token names, and in plain mode, silently, its user's own and the broadcasts.
func (c *connection) unasked() []frame.Want {
	id := c.session.Identity()
	names := id.Topics
	if c.form != statesync.FormFrames {
		names = append([]topics.Name{topics.Broadcast}, names...)
		if own, err := topics.UserTopic(id.User); err == nil {
			names = append(names, own)
		}
	}
	var wants []frame.Want
	for _, name := range names {
		if id.May(statesync.ActionRead, name) {
			wants = append(wants, frame.Want{Topic: string(name), Silent: c.form != statesync.FormFrames})
		}
	}
	return wants
}

// read is the connection's goroutine, which has others follow it. When the last one
// returns, nothing of the connection is left.
func (c *connection) read() {
	e, lull := c.receiveAll()
	if lull {
		go c.read()
		return
	}
	defer c.server.connections.remove(c)
	if e != nil {
		c.finish(*e)
		<-c.done
	} else {
		c.cut()
		if was := c.state.Swap(stateOver); was != stateIdle && was != stateWaiting {
			<-c.done
		}
	}
	c.cut()
	c.link.free()
	c.ticket.giveBack()
}

// receiveAll hands the peer's messages to the session until one of them ends it. It
// returns the goodbye that is due; nil when the peer is gone. After a message of a
// peer that says little it returns too, for taking messages has made the stack
// larger than waiting for them needs: a fresh goroutine goes on.
func (c *connection) receiveAll() (due *ending, lull bool) {
	defer func() {
		if cause := recover(); cause != nil {
			due = c.panicked(cause)
		}
	}()
	for {
		b, err := c.message()
		if err == nil {
			err = c.take(b)
			b.giveBack()
		}
		var refused *topics.Error
		switch {
		case err == nil:
			if c.saysLittle() {
				return nil, true
			}
		case errors.As(err, &refused):
			c.session.Error(refused)
			e, _ := endingOf(refused)
			return &e, false
		case errors.As(err, &due):
			if due.code == topics.CodeTooLarge.Meaning().Close {
				c.server.metrics.bound("message_bytes")
			}
			return due, false
		default:
			return nil, false
		}
	}
}

// little is the time between messages from which on a peer says little.
const little = 50 * time.Millisecond

// saysLittle is called once for every message.
func (c *connection) saysLittle() bool {
	last := c.taken.at()
	c.taken.now()
	return c.taken.at().Sub(last) > little
}

// message is the next one: what came early, and then what the link receives.
func (c *connection) message() (*buffer, error) {
	if b := c.early; b != nil {
		c.early = nil
		return b, nil
	}
	b, err := c.link.receive()
	if err == nil {
		c.server.metrics.received[transportWebSocket].Add(float64(len(b.bytes)))
	}
	return b, err
}

// take hands a message to the session, once its frames are due.
func (c *connection) take(b *buffer) error {
	c.asked.Store(true)
	n := 1 + bytes.Count(b.bytes, []byte{'\n'})
	if err := c.pace.wait(c.session.Done(), c.session.Identity().Tenant, n); err != nil {
		return err
	}
	return c.session.Receive(c.server.lifetime, b.bytes)
}

// cut ends the connection without a goodbye: the line is closed, and whoever waits
// inside the session is let go.
func (c *connection) cut() {
	c.link.cut()
	c.session.Close()
}

// panicked keeps a panic to the connection it came from.
func (c *connection) panicked(cause any) *ending {
	e, _ := endingOf(c.server.panicked(c.session.ID(), c.trace, cause))
	return &e
}

// panicked logs a panic in a session, and is what its client hears.
func (s *Server) panicked(session, trace string, cause any) *topics.Error {
	s.log.Error("panic in a session", "session", session, "trace_id", trace, "cause", cause, "stack", string(debug.Stack()))
	return topics.Errorf(topics.CodeInternal, "", "the server failed to answer; the cause is in its log")
}

// next takes what the session has to say, behind the room for a frame's head. A
// panic on the way is an error.
func (c *connection) next(ctx context.Context, b *buffer) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = c.panicked(cause)
		}
	}()
	b.bytes, err = c.session.Next(ctx, b.bytes[:headRoom])
	return err
}
