package server

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// lobby is where connections wait that came without a token: their first frame has
// to be auth, within Limits.AuthDeadline. Until then there is no session.
type lobby struct {
	server *Server
	guests sync.WaitGroup // two goroutines for each

	mu      sync.Mutex
	waiting map[*guest]struct{}
	closed  bool
}

// guest is a connection without a session.
type guest struct {
	lobby   *lobby
	form    statesync.Form
	trace   string
	claim   claim
	link    link
	ticket  *ticket
	decided atomic.Bool // set by whoever lets it in or turns it away
	over    chan struct{}
}

func (l *lobby) init(s *Server) {
	l.server = s
	l.waiting = make(map[*guest]struct{})
}

// enter takes a guest, and reports false once draining has begun.
func (l *lobby) enter(g *guest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.waiting[g] = struct{}{}
	l.guests.Go(g.wait)
	l.guests.Go(g.watch)
	return true
}

func (l *lobby) leave(g *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, g)
}

func (l *lobby) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// wait waits until nobody waits here any more. When ctx ends first it cuts them.
func (l *lobby) wait(ctx context.Context) error {
	gone := make(chan struct{})
	go func() {
		l.guests.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	for g := range l.waiting {
		g.link.cut()
	}
	l.mu.Unlock()
	<-gone
	return ctx.Err()
}

// watch turns the guest away when it takes too long, or the server ends.
func (g *guest) watch() {
	late := time.NewTimer(g.lobby.server.limits.AuthDeadline)
	defer late.Stop()
	select {
	case <-g.over:
	case <-late.C:
		g.lobby.server.metrics.bound("auth_deadline")
		e, _ := endingOf(&topics.Error{Code: topics.CodeUnauthorized})
		g.turnAway(e)
	case <-g.lobby.server.requests.leaving:
		g.turnAway(ending{closeRestart, "restart"})
	}
}

func (g *guest) turnAway(e ending) {
	if g.decided.CompareAndSwap(false, true) {
		g.link.close(e)
		g.link.cut()
	}
}

// wait takes the first message, and makes a connection of the guest when it holds a
// token.
func (g *guest) wait() {
	defer g.lobby.leave(g)
	b, err := g.link.receive()
	var c *connection
	if err == nil {
		c, err = g.admit(b)
	}
	close(g.over)
	if err == nil && g.decided.CompareAndSwap(false, true) {
		if g.lobby.server.connections.add(c) {
			c.start(g.link)
			return
		}
		g.decided.Store(false)
		err = errDraining()
	}
	if c != nil {
		c.session.Close()
	}
	g.refuse(err)
	g.link.cut()
	g.link.free()
	g.ticket.giveBack()
}

// refuse says why, and goodbye.
func (g *guest) refuse(err error) {
	if e, ok := err.(*ending); ok { //nolint:errorlint // links return it bare
		g.turnAway(*e)
		return
	}
	if err == errGone { //nolint:errorlint // likewise
		return
	}
	refused := topics.AsError(err)
	e, closes := endingOf(refused)
	if !closes {
		e, _ = endingOf(&topics.Error{Code: topics.CodeUnauthorized})
	}
	if !g.decided.Load() {
		_ = g.link.send(frame.AppendError(nil, "", refused, g.trace))
	}
	g.turnAway(e)
}

// admit opens the session that the message's first frame has the token for. The
// rest of the message is the session's first.
func (g *guest) admit(b *buffer) (*connection, error) {
	s := g.lobby.server
	first, rest, _ := bytes.Cut(b.bytes, []byte{'\n'})
	f, err := frame.Decode(first, s.engine.Limits().Strict())
	auth, ok := f.(frame.Auth)
	authenticator, able := s.auth.(TokenAuthenticator)
	if err != nil || !ok || !able {
		b.giveBack()
		return nil, topics.Errorf(topics.CodeUnauthorized, "token", "is missing; the first frame must be auth, and hold one")
	}
	c := &connection{server: s, form: g.form, trace: g.trace, ticket: g.ticket, done: make(chan struct{}, 1), pace: s.newPace()}
	id, err := authenticator.AuthenticateToken(s.lifetime, auth.Token)
	if err == nil {
		err = g.claim.check(id)
	}
	if err == nil {
		err = g.ticket.sign(id)
	}
	if err == nil {
		c.session, err = s.open(s.lifetime, statesync.SessionOptions{Identity: id, Form: g.form, Trace: g.trace, Wake: c.wake})
	}
	if err != nil {
		b.giveBack()
		return nil, err
	}
	b.bytes = append(b.bytes[:0], rest...)
	c.early = b
	return c, nil
}
