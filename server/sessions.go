package server

import (
	"context"
	"sync"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// sessions are the kept ones. One that no request has used for Limits.SessionIdle
// ends; how many there are is bounded by the admission.
type sessions struct {
	server *Server
	ending sync.WaitGroup // ends under way that no request waits for

	mu     sync.Mutex
	open   map[string]*kept
	closed bool // none is taken any more, and none is kept
}

func (l *sessions) init(s *Server) {
	l.server = s
	l.open = make(map[string]*kept)
}

// begin opens a session, which the caller uses until it releases or ends it.
func (l *sessions) begin(x *exchange, id statesync.Identity, form statesync.Form, transport string) (*kept, error) {
	place, err := l.server.admission.enter(transport, x.address)
	if err != nil {
		return nil, err
	}
	k := &kept{sessions: l, ticket: place, woken: make(chan struct{}, 1), turn: make(chan struct{}, 1), pace: l.server.newPace(), uses: 1}
	if err = place.sign(id); err == nil {
		k.session, err = l.server.open(x.r.Context(), statesync.SessionOptions{Identity: id, Form: form, Trace: x.trace, Wake: k.wake})
	}
	if err != nil {
		place.giveBack()
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[k.session.ID()] = k
	return k, nil
}

// resume finds a session of the same user again, whose grants are now those of this
// request. For anybody else there is none.
func (l *sessions) resume(id statesync.Identity, name string) (*kept, error) {
	unknown := topics.Errorf(topics.CodeExpired, "session", "is not kept here, or no longer; begin a new one without it")
	l.mu.Lock()
	k := l.open[name]
	if k == nil {
		l.mu.Unlock()
		return nil, unknown
	}
	k.uses++
	l.mu.Unlock()
	if k.session.Refresh(id) != nil {
		l.release(k)
		return nil, unknown
	}
	return k, nil
}

// release ends one use. The session goes on for a while without.
func (l *sessions) release(k *kept) {
	l.mu.Lock()
	k.uses--
	if k.uses > 0 || k.ended {
		l.mu.Unlock()
		return
	}
	if l.closed {
		l.mu.Unlock()
		l.end(k)
		return
	}
	idle := l.server.limits.SessionIdle
	k.until = time.Now().Add(idle)
	time.AfterFunc(idle, func() { l.expire(k) })
	l.mu.Unlock()
}

// expire ends a session that was not used meanwhile.
func (l *sessions) expire(k *kept) {
	l.mu.Lock()
	if l.closed || k.uses > 0 || time.Now().Before(k.until) {
		l.mu.Unlock()
		return
	}
	l.ending.Add(1)
	l.mu.Unlock()
	defer l.ending.Done()
	l.server.admission.metrics.bound("session_idle")
	l.end(k)
}

// end ends a session for good. It may be called again.
func (l *sessions) end(k *kept) {
	l.mu.Lock()
	delete(l.open, k.session.ID())
	k.ended = true
	l.mu.Unlock()
	k.session.Close()
	k.ticket.giveBack()
}

// close keeps no session any longer than its requests do.
func (l *sessions) close() {
	l.mu.Lock()
	l.closed = true
	var unused []*kept
	for _, k := range l.open {
		if k.uses == 0 {
			unused = append(unused, k)
		}
	}
	l.mu.Unlock()
	for _, k := range unused {
		l.end(k)
	}
	l.ending.Wait()
}

// open opens a session and has it say what it does unasked.
func (s *Server) open(ctx context.Context, o statesync.SessionOptions) (*statesync.Session, error) {
	if a, ok := s.auth.(TokenAuthenticator); ok {
		o.Authenticate = a.AuthenticateToken
	}
	session, err := s.engine.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Form == statesync.FormFrames {
		session.Welcome()
	}
	return session, nil
}
