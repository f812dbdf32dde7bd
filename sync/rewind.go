package statesync

import (
	"context"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Rewind has the session go on from where its client is. A client without a line
// of its own says so with every request: an answer that was lost on its way has
// moved cursors that the client's replica has not followed. A topic that has no
// cursor gets one.
func (s *Session) Rewind(ctx context.Context, list []frame.Standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for _, standing := range list {
		w := frame.Want{Topic: standing.Topic, Position: standing.At}
		if c := s.cursors.of(topics.Name(standing.Topic)); c != nil {
			if standing.At != nil && c.at == *standing.At || standing.At == nil && c.at.Version == 0 {
				continue
			}
			w.Mode, w.Presence, w.Deltas = c.mode, c.presence, c.deltas
			if c.pace != nil {
				w.MaxRate = c.pace.rate
			}
		}
		if err := s.subscribe(ctx, w); err != nil {
			s.topicError(w.Topic, topics.AsError(err))
		}
	}
}

// Awaiting is how many mutations of the session have no answer that Next has given.
func (s *Session) Awaiting() int { return len(s.slots) }
