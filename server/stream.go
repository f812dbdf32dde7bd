package server

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
)

const mediaEvents = "text/event-stream"

// streamPiece is what is written of a stream before its deadline is set anew, so
// that a slow line is told from a dead one.
const streamPiece = 16 << 10

// stream is an answer of server-sent events: a session's lines, each an event.
type stream struct {
	exchange *exchange
	kept     *kept
	encoder  encoder
	stop     <-chan struct{} // closed when another request wants to read
	alarm    *time.Timer     // goes off when the silence or the token ends
	spoke    time.Time
	out      []byte
}

func (x *exchange) wantsStream() bool {
	return strings.Contains(strings.Join(x.r.Header.Values("Accept"), ","), mediaEvents)
}

// run writes what the session says until the client goes, the session ends or the
// server does.
func (s *stream) run() error {
	x := s.exchange
	x.streaming = true
	h := x.w.Header()
	h.Set("Content-Type", mediaEvents)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or nginx keeps the events to itself
	h.Add("Vary", "Accept")
	if x.r.Method == http.MethodHead {
		return nil // that is all that was asked for
	}
	s.alarm = time.NewTimer(x.server.engine.Heartbeat())
	defer s.alarm.Stop()
	s.out = fmt.Appendf(nil, "retry: %d\n", 1000+rand.IntN(2000))
	s.out = append(appendField(s.out, "id", s.encoder.id(s.kept.session.Positions())), '\n')
	if s.flush() != nil {
		return nil
	}
	for s.turn() {
		if !s.wait() {
			break
		}
	}
	return nil
}

// turn writes what the session has to say now, and reports whether it goes on.
func (s *stream) turn() bool {
	ctx := s.exchange.r.Context()
	b := takeBuffer()
	defer b.giveBack()
	for {
		over := s.kept.session.Identity().Expired(time.Now())
		if over {
			expire(s.kept.session)
		}
		before := s.kept.session.Positions()
		var err error
		b.bytes, err = s.kept.session.Next(ctx, b.bytes[:0])
		if len(b.bytes) > 0 {
			s.out = s.encoder.encode(s.out[:0], b.bytes, before, s.kept.session.Positions())
			if s.flush() != nil {
				return false
			}
		}
		if err != nil {
			return false
		}
		if len(b.bytes) == 0 {
			return !over
		}
	}
}

// wait waits until there may be something to say, and reports whether to go on.
func (s *stream) wait() bool {
	x := s.exchange
	expires := s.kept.session.Identity().Expires
	silence := x.server.engine.Heartbeat() - time.Since(s.spoke)
	s.alarm.Reset(whileValid(s.kept.session, silence))
	select {
	case <-s.kept.woken:
		return true
	case now := <-s.alarm.C:
		if !expires.IsZero() && now.After(expires) {
			return true // the next turn ends it, unless it was refreshed
		}
		return s.sayAlive()
	case <-x.server.requests.leaving:
		s.leave()
		return false
	case <-s.stop:
		return false
	case <-s.kept.session.Done():
		return false
	case <-x.r.Context().Done():
		return false
	}
}

// sayAlive ends a silence: with marks where the client knows frames, and otherwise
// with a comment, which no code of the client's sees.
func (s *stream) sayAlive() bool {
	if s.encoder.form == statesync.FormFrames {
		s.spoke = time.Now()
		s.kept.session.Beat()
		return true
	}
	s.out = append(s.out[:0], ": beat\n\n"...)
	return s.flush() == nil
}

// leave says goodbye at a moment of its own, so that not all clients dial the next
// server at once.
func (s *stream) leave() {
	x := s.exchange
	window := x.server.limits.DrainWindow
	select {
	case <-time.After(rand.N(window + time.Millisecond)):
	case <-x.r.Context().Done():
		return
	}
	if s.encoder.form == statesync.FormFrames {
		s.kept.session.Bye("restart", rand.N(window+time.Millisecond))
	}
	s.turn()
}

// flush writes what is encoded. Every piece of it has to make progress.
func (s *stream) flush() error {
	x := s.exchange
	s.spoke = time.Now()
	for rest := s.out; len(rest) > 0; {
		piece := rest[:min(len(rest), streamPiece)]
		rest = rest[len(piece):]
		_ = x.control.SetWriteDeadline(time.Now().Add(x.server.limits.WriteDeadline))
		n, err := x.w.Write(piece)
		x.server.metrics.sent[transportSSE].Add(float64(n))
		if err == nil {
			err = x.control.Flush()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			x.server.metrics.bound("write_deadline")
		}
		if err != nil {
			return err
		}
	}
	if cap(s.out) > pooledBytes {
		s.out = nil
	}
	return nil
}
