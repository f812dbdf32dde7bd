package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
)

// Drain ends the server's work: readyz turns 503, new sessions are refused, open
// ones get a bye spread over Limits.DrainWindow, requests in flight are answered.
// It returns when everything has ended. When ctx ends first, what is left is cut
// and the context's error returned.
func (s *Server) Drain(ctx context.Context) error {
	s.requests.leave()
	s.lobby.close()
	open := s.connections.close()
	s.connections.dismiss(ctx, open, s.limits.DrainWindow)
	err := errors.Join(s.lobby.wait(ctx), s.connections.wait(ctx), s.requests.wait(ctx))
	s.sessions.close()
	s.end()
	return err
}

// dismiss says bye and closes. A client is to come back at a random moment, but
// not so late that its user sees it.
func (c *connection) dismiss(window time.Duration) {
	if c.form == statesync.FormFrames {
		c.session.Bye("restart", rand.N(window+time.Millisecond))
	}
	c.finish(ending{closeRestart, "restart"})
}
