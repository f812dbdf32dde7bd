package statesync

import (
	"context"
	"slices"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// reauthenticate refreshes the session with the token of an auth frame. A token
// that does not hold leaves the session as it is, until the one it has expires.
func (s *Session) reauthenticate(ctx context.Context, token string) error {
	if s.authenticate == nil {
		return nil
	}
	id, err := s.authenticate(ctx, token)
	if err == nil {
		err = s.Refresh(id)
	}
	if err != nil {
		s.Error(topics.AsError(err))
	}
	return nil
}

// Refresh gives the session new grants, for the same user of the same tenant, and
// keeps its positions. Where a topic may no longer be read, its cursor ends with a
// revoked frame, and nothing more is read from it (P8).
func (s *Session) Refresh(id Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.Identity(); id.User != now.User || id.Tenant != now.Tenant {
		return topics.Errorf(topics.CodeForbidden, "token", "is of another user or tenant; open a new connection for it")
	}
	s.identity.Store(&id)
	for _, c := range slices.Clone(s.cursors) {
		name := c.topic.key.Name
		if !id.May(ActionRead, name) {
			s.drop(c)
			s.say(frame.AppendRevoked(nil, name, "grant"))
		}
	}
	return nil
}
