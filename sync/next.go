package statesync

import (
	"context"

	"github.com/lockstep-sync/lockstep/sync/frame"
)

// Next appends what the session has to say to dst, line by line: at least one line
// when there is one, and then up to Limits.TurnBytes or Limits.TurnFrames. When it
// returns dst as it was, the session has nothing to say and Wake will be called
// when that changes. Answers come first, then cursors in turn.
//
// An error means that the session is over: ctx has ended, or it is an
// [*topics.Error] with which the engine has ended the session.
func (s *Session) Next(ctx context.Context, dst []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := len(dst)
	s.out = 0
	for turns := 0; turns < s.engine.limits.TurnFrames; {
		room := s.engine.limits.TurnBytes - (len(dst) - start)
		if room <= 0 {
			break
		}
		before := len(dst)
		var err error
		if dst, err = s.turn(ctx, dst, room); err != nil {
			return dst, err
		}
		if len(dst) > before {
			turns++
		} else if s.ready.rest() {
			break
		}
	}
	s.engine.metrics.said(s.out, len(dst)-start)
	if why := s.ended.Load(); why != nil && len(dst) == start {
		return dst, why
	}
	return dst, nil
}

// turn appends the control lines and answers that wait, or one cursor's next frames.
func (s *Session) turn(ctx context.Context, dst []byte, room int) ([]byte, error) {
	before := len(dst)
	for _, line := range s.ready.takeLines() {
		dst = append(dst, line...)
	}
	for _, a := range s.ready.takeAnswers() {
		dst = append(frame.AppendAnswer(dst, a.Answer, s.current(ctx, a.Answer)), '\n')
		if a.slot {
			<-s.slots
		}
	}
	dst = s.ephemeral(dst)
	if len(dst) > before {
		return dst, nil
	}
	c := s.ready.takeCursor()
	if c == nil || s.cursors.of(c.topic.key.Name) != c {
		return dst, nil
	}
	dst, next, err := c.read(ctx, dst, room)
	if err != nil {
		return s.failed(dst, c, err), ctx.Err()
	}
	if next != resting {
		s.ready.pushCursor(c)
	}
	return dst, nil
}

// ephemeral appends signals and changed presence.
func (s *Session) ephemeral(dst []byte) []byte {
	signals, present := s.ready.takeEphemeral()
	for _, line := range signals {
		dst = append(dst, line...)
	}
	for _, c := range present {
		if s.cursors.of(c.topic.key.Name) == c {
			dst = c.appendPresence(dst)
		}
	}
	return dst
}

// failed ends a cursor whose topic cannot be read, and says so. A cancelled
// context is not the topic's fault: the cursor stays.
func (s *Session) failed(dst []byte, c *cursor, err error) []byte {
	if isCancelled(err) {
		s.ready.pushCursor(c)
		return dst
	}
	name := c.topic.key.Name
	s.drop(c)
	s.engine.log.Error("topic cannot be read", "topic", c.topic.key.String(), "session", s.id, "trace_id", s.traceID(), "error", err)
	e := topicError(err)
	s.engine.metrics.failed(e)
	return append(frame.AppendError(dst, string(name), e, s.traceID()), '\n')
}

// current is the row that explains a rejection, to those who may read it.
func (s *Session) current(ctx context.Context, a frame.Answer) *frame.Row {
	if a.EntityID == "" || !s.Identity().May(ActionRead, a.Topic) {
		return nil
	}
	row, _, err := s.engine.Row(ctx, s.Identity(), a.Topic, a.EntityID)
	if err != nil || row.Data == nil { // there never was such a row
		return nil
	}
	return &row
}
