package statesync

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/patch"
)

// transaction computes the events of one mutation: all of them or none (P4).
type transaction struct {
	batch   *batch
	request *request
	head    topics.Version
	rows    map[string]store.Event // what its own earlier changes made
	events  []store.Event
	bytes   int
}

func newTransaction(b *batch, r *request) *transaction {
	return &transaction{batch: b, request: r, head: b.head.Version, rows: make(map[string]store.Event, len(r.mutation.Changes))}
}

func (tx *transaction) run() ([]store.Event, error) {
	for i, c := range tx.request.mutation.Changes {
		if err := tx.change(c); err != nil {
			if e, ok := err.(*topics.Error); ok { //nolint:errorlint // made here, never wrapped
				return nil, e.In(fmt.Sprintf("changes[%d]", i))
			}
			return nil, err
		}
	}
	return tx.events, nil
}

// change decides one change and adds its event, unless it changes nothing.
func (tx *transaction) change(c topics.Change) error {
	entry, known, err := tx.row(c.EntityID, c.Op)
	if err != nil {
		return err
	}
	exists := known && entry.Kind == store.KindRow
	if err := tx.expect(c.IfMatch, entry, exists); err != nil {
		return err
	}
	value, changed, err := tx.value(c, entry, exists)
	if err != nil || !changed {
		return err
	}
	if most := tx.batch.limits.PayloadBytes; len(value) > most {
		return topics.Errorf(topics.CodeTooLarge, "payload", "makes a value of %d bytes; at most %d", len(value), most)
	}
	return tx.add(c, value, entry, exists)
}

func (tx *transaction) row(id string, op topics.Op) (store.Event, bool, error) {
	if op == topics.OpNone && id == "" {
		return store.Event{}, false, nil
	}
	if e, ok := tx.rows[id]; ok {
		return e, true, nil
	}
	return tx.batch.row(id)
}

// expect checks a precondition against the entity's entry.
func (tx *transaction) expect(want *topics.Expect, entry store.Event, exists bool) error {
	if want == nil {
		return nil
	}
	if want.Seq != 0 {
		return tx.expectOwn(want.Seq, entry)
	}
	at := entry.Version
	if !exists {
		at = 0
	}
	switch {
	case at == want.Version:
		return nil
	case want.Version == 0:
		return topics.Errorf(topics.CodeConflict, "if_version", "is 0, for an entity that must not exist; it is at version %d", at)
	case at == 0:
		return topics.Errorf(topics.CodeConflict, "if_version", "is %d; the entity does not exist", want.Version)
	}
	return topics.Errorf(topics.CodeConflict, "if_version", "is %d; the entity is at version %d", want.Version, at)
}

// expectOwn holds when nothing has touched the entity since the lane's mutation seq
// was decided.
func (tx *transaction) expectOwn(seq uint64, entry store.Event) error {
	lane, err := tx.batch.lane(tx.request.lane())
	if err != nil {
		return err
	}
	o, ok := lane.Find(seq)
	switch {
	case !ok:
		return topics.Errorf(topics.CodeInvalid, "if_version", "names mutation %d, which is not among the last %d of the lane", seq, topics.MaxInFlight)
	case o.Status == topics.StatusRejected:
		return topics.Errorf(topics.CodeConflict, "if_version", "names mutation %d, which was rejected", seq)
	case entry.Version > o.Version:
		return topics.Errorf(topics.CodeConflict, "if_version", "names mutation %d; the entity has moved on to version %d", seq, entry.Version)
	}
	return nil
}

// value is the entity's value after the change; changed is false when it is the
// value it has.
func (tx *transaction) value(c topics.Change, entry store.Event, exists bool) (value json.RawMessage, changed bool, err error) {
	switch c.Op {
	case topics.OpNone:
		if c.Event == "" {
			return nil, false, topics.Errorf(topics.CodeInvalid, "event", "is missing; a custom event is known by its name")
		}
		return c.Payload, true, nil
	case topics.OpDelete:
		return nil, exists, nil
	case topics.OpPut:
		value = c.Payload
	default:
		if !exists {
			return nil, false, topics.Errorf(topics.CodeNotFound, "entity_id", "%q is not there to patch; put it first", c.EntityID)
		}
		if value, err = tx.patched(c, entry.PayloadJSON()); err != nil {
			return nil, false, err
		}
	}
	if len(value) == 0 || string(value) == "null" {
		return nil, false, topics.Errorf(topics.CodeInvalid, "payload", "is missing or null; use delete to remove an entity")
	}
	return value, !exists || !patch.Same(value, entry.PayloadJSON()), nil
}

// patched applies a patch and holds what it makes to the limits of what is sent:
// patch after patch could otherwise nest a value deeper than any client reads.
func (tx *transaction) patched(c topics.Change, base json.RawMessage) (json.RawMessage, error) {
	value, err := patch.Apply(c.Op, base, c.Payload)
	if err != nil {
		return nil, err
	}
	limits := tx.batch.limits.Strict()
	limits.Bytes = len(value)
	value, err = frame.Strict(value, limits)
	if err != nil {
		return nil, topics.AsError(err).In("payload")
	}
	return value, nil
}

// add makes the change's event.
func (tx *transaction) add(c topics.Change, value json.RawMessage, entry store.Event, exists bool) error {
	tx.head++
	if tx.head > topics.MaxVersion {
		return topics.Errorf(topics.CodeTooLarge, "", "the topic has reached the last version there is")
	}
	m := &tx.request.mutation
	e := topics.Event{
		Version: tx.head, Name: eventName(c, exists), Op: c.Op, EntityID: c.EntityID, Payload: value,
		User: tx.request.identity.User, Client: m.Client, Seq: m.Seq, TraceID: m.TraceID, Time: tx.batch.now,
	}
	if c.Op == topics.OpPatch || c.Op == topics.OpJSONPatch {
		e.Patch = c.Payload
	}
	out := frame.Event(e)
	switch c.Op {
	case topics.OpNone:
		out.Kind = store.KindCustom
	case topics.OpDelete:
		out.Kind, out.Replaces = store.KindTombstone, entry.Version
	default:
		out.Kind, out.Replaces = store.KindRow, entry.Version
	}
	if tx.bytes += len(out.JSON); tx.bytes > tx.batch.limits.EventBytes {
		return topics.Errorf(topics.CodeTooLarge, "", "the mutation makes more than %d bytes of events", tx.batch.limits.EventBytes)
	}
	if out.Kind != store.KindCustom {
		tx.rows[c.EntityID] = out
	}
	tx.events = append(tx.events, out)
	return nil
}

func eventName(c topics.Change, exists bool) string {
	switch {
	case c.Event != "":
		return c.Event
	case c.Op == topics.OpDelete:
		return topics.EventDeleted
	case exists:
		return topics.EventUpdated
	}
	return topics.EventAdded
}

// changeIndex reads i out of "changes[i].field".
func changeIndex(field string) (int, bool) {
	rest, ok := strings.CutPrefix(field, "changes[")
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, "]")
	i, err := strconv.Atoi(digits)
	return i, ok && err == nil
}
