package statesync

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// SessionOptions say whose session it is and how it looks.
type SessionOptions struct {
	Identity Identity
	Form     Form
	Trace    string // until Traced says another one; may be empty
	// Wake is told when a session that had nothing to say has something. It is
	// called once per idle period, from any goroutine, and must not block.
	Wake func()
	// Authenticate checks the token of an auth frame, which refreshes the session in
	// place; nil: a token cannot be refreshed.
	Authenticate func(ctx context.Context, token string) (Identity, error)
}

// Session is one authenticated conversation: what it reads of which topic, and
// what it has yet to be told. It has no goroutine and no clock. One goroutine
// calls Receive, one calls Next; the others may be called from anywhere.
type Session struct {
	// Fixed after construction.
	id           string
	engine       *Engine
	form         Form
	authenticate func(ctx context.Context, token string) (Identity, error)
	// slots bounds the mutations whose answers are not written: one is taken per
	// mutation by Receive, which waits for it, and given back by Next.
	slots chan struct{}
	done  chan struct{} // closed by Close

	ready ready

	identity atomic.Pointer[Identity] // replaced by Refresh

	trace atomic.Pointer[string] // replaced by Traced

	client string // named by the last subscribe; owned by Receive
	// ended is why the engine ended the session; Next returns it when all is said.
	ended atomic.Pointer[topics.Error]

	mu      sync.Mutex
	closed  bool
	out     int // events appended by the Next under way
	cursors cursors
}

// Open starts a session, unless Hooks.Connect refuses it. The caller closes it.
func (e *Engine) Open(ctx context.Context, o SessionOptions) (*Session, error) {
	if connect := e.handlers.hooks.Connect; connect != nil {
		if err := connect(ctx, o.Identity); err != nil {
			return nil, refusal(err)
		}
	}
	s := &Session{
		id: e.newID(), engine: e, form: o.Form, authenticate: o.Authenticate,
		slots: make(chan struct{}, e.limits.Answers), done: make(chan struct{}),
	}
	s.identity.Store(&o.Identity)
	s.trace.Store(&o.Trace)
	s.ready.wake = o.Wake
	if s.ready.wake == nil {
		s.ready.wake = func() {}
	}
	if err := e.addSession(s); err != nil {
		return nil, err
	}
	return s, nil
}

// ID names the session in logs and in its welcome.
func (s *Session) ID() string { return s.id }

// Done is closed when the session is.
func (s *Session) Done() <-chan struct{} { return s.done }

// Identity is who the session speaks for.
func (s *Session) Identity() Identity { return *s.identity.Load() }

// Traced says which trace the frames belong to that are received from now on. It is
// named by the session's errors, and by the answers and events of mutations that name
// none themselves.
func (s *Session) Traced(trace string) { s.trace.Store(&trace) }

func (s *Session) traceID() string { return *s.trace.Load() }

// Welcome queues the first frame of a lockstep.v1 connection.
func (s *Session) Welcome() {
	l := s.engine.limits
	s.say(frame.AppendWelcome(nil, frame.Welcome{
		Session: s.id, User: s.Identity().User, Tenant: s.Identity().Tenant,
		Heartbeat: s.engine.heartbeat, Now: s.engine.clock(),
		Limits: frame.WireLimits{
			MessageBytes: l.MessageBytes, PayloadBytes: l.PayloadBytes, Changes: l.Changes,
			InFlight: l.InFlight, Topics: l.Topics,
		},
	}))
}

// Beat queues what tells an otherwise silent client where it is: a mark for every
// topic at whose head it is, or a pong where it is at none. A mark is never about a
// cursor that is behind: it says that nothing more is to come. The plain forms say
// nothing unasked.
func (s *Session) Beat() {
	if s.form != FormFrames {
		return
	}
	marked := false
	s.mu.Lock()
	for _, c := range s.cursors {
		if c.topic.waitsAtHead(c) {
			marked = true
			s.say(frame.AppendMark(nil, c.topic.key.Name, c.at))
		}
	}
	s.mu.Unlock()
	if !marked {
		s.say(frame.AppendPong(nil))
	}
}

// Bye queues the last frame before a planned close.
func (s *Session) Bye(reason string, retryAfter time.Duration) {
	s.say(frame.AppendBye(nil, reason, retryAfter))
}

// end says goodbye for the engine. Unanswered mutations stay unanswered: a resend
// on the next session finds out what became of them.
func (s *Session) end(why *topics.Error) {
	if s.ended.CompareAndSwap(nil, why) {
		s.Bye(string(why.Code), why.RetryAfter)
	}
}

// Error queues an error that is about the connection, not about one mutation.
func (s *Session) Error(e *topics.Error) {
	s.topicError("", e)
}

func (s *Session) topicError(topic string, e *topics.Error) {
	s.engine.metrics.failed(e)
	s.say(frame.AppendError(nil, topic, e, s.traceID()))
}

// Positions is where each cursor stands, for a client that moves on by polling.
func (s *Session) Positions() map[topics.Name]topics.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[topics.Name]topics.Position, len(s.cursors))
	for _, c := range s.cursors {
		all[c.topic.key.Name] = c.at
	}
	return all
}

// Close ends the session. Mutations it sent are decided all the same.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	close(s.done)
	s.ready.close()
	for n := len(s.cursors); n > 0; n-- {
		s.drop(s.cursors[n-1])
	}
	s.engine.removeSession(s)
	if disconnect := s.engine.handlers.hooks.Disconnect; disconnect != nil {
		disconnect(s.Identity())
	}
}

// say queues one control line.
func (s *Session) say(line []byte) {
	s.ready.pushLine(append(line, '\n'))
}

// drop ends a cursor. The caller holds s.mu.
func (s *Session) drop(c *cursor) {
	s.cursors.remove(c)
	c.topic.mu.Lock()
	c.topic.part(c)
	c.topic.mu.Unlock()
	s.engine.pacer.remove(c)
	s.engine.registry.release(c.topic)
}

// answer queues the answer to a mutation of this session. One whose outcome is
// unknown gets none: the session ends instead.
func (s *Session) answer(a frame.Answer) {
	if a.Reject != nil && a.Reject.Code == topics.CodeOutcomeUnknown {
		s.end(a.Reject)
	}
	if s.ended.Load() == nil { // after the goodbye nothing is said
		s.ready.pushAnswer(a, true)
	}
}
