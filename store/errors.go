package store

import (
	"errors"
	"fmt"

	"github.com/lockstep-sync/lockstep/topics"
)

// What the calls of a store can answer. Wrapped errors keep these in their chain.
var (
	ErrConflict       = errors.New("store: the topic has moved on from the commit's position")
	ErrCompacted      = errors.New("store: the log below the retention floor is gone")
	ErrRunExpired     = errors.New("store: the run's timestamp is no longer readable")
	ErrFull           = errors.New("store: not enough free disk space to take a commit")
	ErrOutcomeUnknown = errors.New("store: a storage call failed; whether the commit is durable is unknown until reopened")
	ErrClosed         = errors.New("store: closed")
	ErrTooLarge       = errors.New("store: the commit is larger than one transaction takes")
)

// DamageError reports a record that is not what was written (P12).
type DamageError struct {
	Topic   Topic
	Version topics.Version // of the damaged record, or the first one missing; 0: the head or an outcome
	Detail  string
}

// Error names topic and version.
func (e *DamageError) Error() string {
	return fmt.Sprintf("store: topic %s is damaged at version %d: %s", e.Topic, e.Version, e.Detail)
}
