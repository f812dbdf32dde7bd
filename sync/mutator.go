package statesync

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Mutator computes the changes of a named mutation inside its commit, against the
// state after its predecessors. Its error is the rejection, final, and then none of
// its changes happens; an [*topics.Error] keeps its code, any other is "rejected".
//
// It runs while the topic's other mutations wait: it must be quick, must not call
// the engine, and must use tx only until it returns. What takes time belongs into
// Hooks.BeforeMutation.
type Mutator func(tx *Tx, args json.RawMessage) error

// Tx is what a mutator sees and changes: the rows of one topic.
type Tx struct {
	tx     *transaction
	failed error // a read of the store that failed; the mutation is then undecided
}

// Topic is the topic the mutation is on.
func (t *Tx) Topic() topics.Name { return t.tx.request.mutation.Topic }

// Identity is who sent the mutation.
func (t *Tx) Identity() Identity { return t.tx.request.identity }

// Now is the time of the commit, the same for all of it.
func (t *Tx) Now() time.Time { return t.tx.batch.now }

// Get returns an entity's value and version as this mutation has left it so far;
// found is false when there is no such entity.
func (t *Tx) Get(entityID string) (value json.RawMessage, version topics.Version, found bool) {
	entry, known, err := t.tx.row(entityID, topics.OpPut)
	if err != nil {
		t.failed = errors.Join(t.failed, err)
		return nil, 0, false
	}
	if !known || entry.Kind != store.KindRow {
		return nil, 0, false
	}
	return entry.PayloadJSON(), entry.Version, true
}

// Put sets an entity's full value: anything encoding/json can write, or raw JSON.
func (t *Tx) Put(entityID string, value any) error {
	return t.change(topics.OpPut, entityID, value, "")
}

// Patch merges value into an entity (RFC 7396).
func (t *Tx) Patch(entityID string, value any) error {
	return t.change(topics.OpPatch, entityID, value, "")
}

// Delete removes an entity; one that is not there stays so.
func (t *Tx) Delete(entityID string) error { return t.change(topics.OpDelete, entityID, nil, "") }

// Emit adds a custom event, which touches no row.
func (t *Tx) Emit(event string, payload any) error {
	if err := topics.CheckEventName(event); err != nil {
		return err
	}
	return t.change(topics.OpNone, "", payload, event)
}

func (t *Tx) change(op topics.Op, entityID string, value any, event string) error {
	if most := t.tx.batch.limits.Changes; len(t.tx.events) >= most {
		return topics.Errorf(topics.CodeTooLarge, "name", "stands for a mutator that makes more than %d changes, which is the most", most)
	}
	if op != topics.OpNone {
		if err := topics.CheckEntityID(entityID); err != nil {
			return err
		}
	}
	c := topics.Change{Op: op, EntityID: entityID, Event: event}
	if value != nil {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("the value of %q cannot be written as JSON: %w", entityID, err)
		}
		if c.Payload, err = frame.Strict(raw, t.tx.batch.limits.Strict()); err != nil {
			return err
		}
	}
	return t.tx.change(c)
}

// runMutator computes the events of a named mutation. A panic of the mutator costs
// its mutation and nothing else.
func (tx *transaction) runMutator(find func(string) Mutator) (events []store.Event, err error) {
	m := &tx.request.mutation
	mutator := find(m.Name)
	if mutator == nil {
		return nil, topics.Errorf(topics.CodeUnknownType, "name", "%q is no mutator of this server", m.Name)
	}
	defer func() {
		if cause := recover(); cause != nil {
			tx.batch.panics = append(tx.batch.panics, fmt.Errorf("mutator %s panicked: %v\n%s", m.Name, cause, debug.Stack()))
			events, err = nil, topics.Errorf(topics.CodeRejected, "name", "%s is a mutator that failed; the cause is in the server's log", m.Name)
		}
	}()
	t := &Tx{tx: tx}
	err = mutator(t, m.Args)
	var known *topics.Error
	switch {
	case t.failed != nil:
		return nil, t.failed
	case errors.As(err, &known):
		return nil, known
	case err != nil:
		return nil, topics.Errorf(topics.CodeRejected, "name", "%s", err)
	}
	return tx.events, nil
}
