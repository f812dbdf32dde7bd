package statesync

import (
	"context"
	"errors"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Receive takes one message of the client: frames separated by newlines. What is
// wrong with a frame is answered in the session's output and the session goes on.
// An error means that the session cannot go on, or that ctx ended.
//
// Receive waits while Limits.Answers mutations are unanswered: a client that sends
// faster than it reads is slowed down, not cut (P9).
func (s *Session) Receive(ctx context.Context, message []byte) error {
	if most := s.engine.limits.MessageBytes; len(message) > most {
		return topics.Errorf(topics.CodeTooLarge, "", "the message is %d bytes long; at most %d", len(message), most)
	}
	for _, raw := range frame.Split(message) {
		if why := s.ended.Load(); why != nil {
			return why
		}
		if err := s.receive(ctx, raw); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) receive(ctx context.Context, raw []byte) error {
	f, err := frame.Decode(raw, s.engine.limits.Strict())
	if m, ok := f.(frame.Mutate); ok {
		return s.mutate(ctx, m.Mutation, err)
	}
	if err != nil {
		s.Error(topics.AsError(err))
		return nil
	}
	switch f := f.(type) {
	case frame.Subscribe:
		s.client = f.Client
		s.Subscribe(ctx, f.Topics)
	case frame.Unsubscribe:
		s.unsubscribe(f.Topics)
	case frame.Signal:
		s.signal(f)
	case frame.Present:
		s.present(f)
	case frame.Ping:
		s.say(frame.AppendPong(nil))
	case frame.Call:
		s.call(ctx, f)
	case frame.Auth:
		return s.reauthenticate(ctx, f.Token)
	case frame.Unknown:
		s.message(ctx, f)
	}
	return nil
}

// mutate sends a mutation on its way, or answers at once why it cannot go.
func (s *Session) mutate(ctx context.Context, m topics.Mutation, malformed error) error {
	if len(s.slots) == cap(s.slots) {
		s.engine.metrics.bound("answers")
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return context.Canceled
	}
	if m.TraceID == "" {
		m.TraceID = s.traceID()
	}
	r := &request{mutation: m, identity: s.Identity(), reply: s.answer}
	if malformed != nil {
		r.refused = topics.AsError(malformed)
	}
	if err := s.engine.submit(ctx, r); err != nil {
		a := rejection(m, err)
		s.engine.metrics.answered(a)
		s.answer(a)
	}
	return nil
}

func rejection(m topics.Mutation, e *topics.Error) frame.Answer {
	return frame.Answer{Topic: m.Topic, Client: m.Client, Seq: m.Seq, Status: topics.StatusRejected, Reject: e, TraceID: m.TraceID}
}

// Subscribe starts a cursor for each topic, or says why not. A topic that has one
// already gets a new one: the client starts over at the position it names.
func (s *Session) Subscribe(ctx context.Context, wants []frame.Want) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for _, w := range wants {
		if err := s.subscribe(ctx, w); err != nil {
			s.topicError(w.Topic, topics.AsError(err))
		}
	}
}

func (s *Session) subscribe(ctx context.Context, w frame.Want) error {
	name, err := topics.ParseName(w.Topic)
	if err != nil {
		return err
	}
	if err := s.engine.permit(s.Identity(), ActionRead, name); err != nil {
		return err
	}
	if hook := s.engine.handlers.hooks.Subscribe; hook != nil {
		if err := hook(ctx, s.Identity(), name); err != nil {
			return refusal(err)
		}
	}
	old := s.cursors.of(name)
	if most := s.engine.limits.Topics; old == nil && len(s.cursors) >= most {
		return topics.Errorf(topics.CodeTooManyTopics, "topics", "are at most %d in one session; unsubscribe from some, or open another session", most)
	}
	if old != nil {
		s.drop(old)
	}
	c, err := s.newCursor(name, w)
	if err != nil {
		return err
	}
	s.cursors.add(c)
	if !w.Silent {
		s.say(frame.AppendSubscribed(nil, name, c.at, s.Identity().access(name)))
	}
	if w.OldestUnanswered > 0 && s.client != "" {
		s.answerDecided(c, w.OldestUnanswered)
	}
	s.engine.metrics.resumes.WithLabelValues(c.firstPlan().String()).Inc()
	s.ready.pushCursor(c)
	if c.presence {
		s.ready.pushPresence(c)
	}
	return nil
}

// answerDecided tells a client that is back what was decided of its mutations from
// seq on, before the topic's first event: it then knows which of them the events it
// is about to get already hold. The rest it hears of by its resend: what is durable
// but not published yet, and all of it when the topic is deleted at this moment, for
// a lane belongs to an epoch.
func (s *Session) answerDecided(c *cursor, seq uint64) {
	e, key := s.engine, store.LaneKey{User: s.Identity().User, Client: s.client}
	head := c.topic.position()
	lane, err := storedPast{ctx: e.lifetime, topic: c.topic}.Lane(key)
	if err != nil || c.topic.position().Epoch != head.Epoch {
		return
	}
	for _, o := range lane.Outcomes {
		if o.Seq < seq || o.Version > head.Version {
			continue
		}
		a := replay(frame.Answer{Topic: c.topic.key.Name, Epoch: head.Epoch, Client: s.client, Seq: o.Seq}, o)
		s.ready.pushAnswer(a, false) // behind the answers that wait: they were decided before
	}
}

// newCursor places a cursor: at the client's position; without one at version 0,
// to be given a snapshot; in plain mode at the head unless rows are asked for.
func (s *Session) newCursor(name topics.Name, w frame.Want) (*cursor, error) {
	t := s.engine.registry.use(s.engine.key(s.Identity(), name))
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(s.engine.lifetime); err != nil {
		s.engine.registry.release(t)
		return nil, topicError(err)
	}
	c := &cursor{topic: t, session: s, mode: w.Mode, presence: w.Presence, deltas: w.Deltas, whole: t.head.Version, pace: newPace(w.MaxRate), waits: -1}
	t.join(c)
	switch {
	case w.Position != nil:
		c.at = *w.Position
		if w.Mode == frame.ModeLatest {
			c.latestTo = t.head.Version
		}
		if c.at.Version == 0 {
			c.at.Epoch = t.head.Epoch
		}
	case s.form == FormFrames || w.Snapshot:
		c.at.Epoch = t.head.Epoch
		c.startRun()
	default:
		c.at = t.head.Position
	}
	return c, nil
}

func (s *Session) unsubscribe(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if c := s.cursors.of(topics.Name(name)); c != nil {
			s.drop(c)
		}
	}
}

func isCancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
