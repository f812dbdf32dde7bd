package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// maxKeyBytes bounds an idempotency key; a longer one is invalid.
const maxKeyBytes = 128

// postMutation decides a mutation that names itself, by its place in a lane or by
// an idempotency key, so that sending it twice applies it once (P3).
func (x *exchange) postMutation() error {
	if err := x.query.only(); err != nil {
		return err
	}
	id, name, err := x.topic()
	if err != nil {
		return err
	}
	if err := x.accepts(mediaJSON); err != nil {
		return err
	}
	key, err := x.key()
	if err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	m, err := frame.DecodeMutation(body, x.server.engine.Limits().Strict())
	if err != nil {
		return err
	}
	switch {
	case m.Topic != "" && m.Topic != name:
		return topics.Errorf(topics.CodeInvalid, "topic", "is %s in the body and %s in the path; leave it out of the body", m.Topic, name)
	case m.Seq == 0 && key == "":
		return topics.Errorf(topics.CodeKeyRequired, "Idempotency-Key", "is missing; send one, or client and seq, so that a resend is not a second change")
	case m.Seq != 0 && key != "":
		return topics.Errorf(topics.CodeInvalid, "Idempotency-Key", "cannot stand beside client and seq; one identity is enough")
	}
	m.Topic, m.Key = name, key
	return x.mutate(id, m)
}

// mutate sends a mutation to its decision and answers with the ack frame, or with
// a problem that has the reject frame's members.
func (x *exchange) mutate(id statesync.Identity, m topics.Mutation) error {
	set(&m.TraceID, x.trace)
	answer, err := x.server.engine.Mutate(x.r.Context(), id, m)
	if err != nil {
		return unanswered(err)
	}
	if answer.Reject != nil {
		return x.refusal(answer, x.current(id, answer))
	}
	if version, ok := x.entityVersion(id, m, answer); ok {
		x.w.Header().Set("ETag", etag(versionTag(version)))
	}
	return x.send(http.StatusOK, mediaJSON, append(frame.AppendAnswer(nil, answer, nil), '\n'))
}

// unanswered words a request that ended before its mutation was decided.
func unanswered(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return topics.Errorf(topics.CodeOutcomeUnknown, "", "the request ended before its answer; send the same mutation again")
	}
	return err
}

// current is the row that explains a rejection, to those who may read it.
func (x *exchange) current(id statesync.Identity, a frame.Answer) *frame.Row {
	if a.EntityID == "" {
		return nil
	}
	row, _, err := x.server.engine.Row(x.r.Context(), id, a.Topic, a.EntityID)
	if err != nil || row.Version == 0 {
		return nil
	}
	return &row
}

// entityVersion is the version that a change of one entity gave it. A change that
// changed nothing made none.
func (x *exchange) entityVersion(id statesync.Identity, m topics.Mutation, a frame.Answer) (topics.Version, bool) {
	if len(m.Changes) != 1 || m.Changes[0].Op == topics.OpNone || m.Changes[0].Op == topics.OpDelete {
		return 0, false
	}
	if a.Status != topics.StatusUnchanged {
		return a.Version, true
	}
	row, found, err := x.server.engine.Row(x.r.Context(), id, a.Topic, m.Changes[0].EntityID)
	return row.Version, found && err == nil
}

// key is the request's idempotency key, empty when it has none.
func (x *exchange) key() (string, error) {
	values := x.r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	visible := strings.IndexFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if len(values) > 1 || key == "" || len(key) > maxKeyBytes || !visible {
		return "", topics.Errorf(topics.CodeInvalid, "Idempotency-Key", "must be one key of 1 to %d visible ASCII characters", maxKeyBytes)
	}
	return key, nil
}
