package statesync

import (
	"errors"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// topicError is what a client hears of a failed storage call.
func topicError(err error) *topics.Error {
	var ours *topics.Error
	var damage *store.DamageError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &damage):
		return topics.Errorf(topics.CodeDamaged, "topic", "%s is damaged on disk at version %d; the other topics go on", damage.Topic.Name, damage.Version)
	case errors.Is(err, store.ErrFull):
		return topics.Errorf(topics.CodeStorageFull, "", "the server's disk is nearly full; reading goes on, write again later")
	case errors.Is(err, store.ErrOutcomeUnknown):
		return topics.Errorf(topics.CodeOutcomeUnknown, "", "a storage call failed; send the same mutation again to learn what became of it")
	case errors.Is(err, store.ErrClosed), isCancelled(err):
		return topics.Errorf(topics.CodeUnavailable, "", "the server is closing; send it again to the next one")
	}
	return topics.Errorf(topics.CodeUnavailable, "", "the store did not answer; send it again later")
}
