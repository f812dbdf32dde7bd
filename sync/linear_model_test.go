package statesync_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/lockstep-sync/lockstep/topics"
)

// call is what a client asks of a topic: a put, or a read of all rows.
type call struct {
	topic     topics.Name
	read      bool
	id, value string
	ifVersion *topics.Version
}

// result is what it is told. Without an answer anything may have happened.
type result struct {
	answered bool
	status   topics.Status
	code     topics.Code
	version  topics.Version
	rows     string // of a read
}

// shelf is a topic as one person at a desk would keep it: the model.
type shelf struct {
	version topics.Version
	rows    map[string]shelved
}

type shelved struct {
	value   string
	version topics.Version
}

func (s shelf) text() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(s.rows)) {
		fmt.Fprintf(&b, "%s=%s@%d ", id, s.rows[id].value, s.rows[id].version)
	}
	return b.String()
}

// put is the shelf after a put, and what its writer is told.
func (s shelf) put(c call) (shelf, result) {
	old := s.rows[c.id]
	told := result{answered: true, status: topics.StatusApplied, version: s.version + 1}
	switch {
	case c.ifVersion != nil && *c.ifVersion != old.version:
		return s, result{answered: true, status: topics.StatusRejected, code: topics.CodeConflict}
	case old.value == c.value:
		told.status, told.version = topics.StatusUnchanged, s.version
		return s, told
	}
	next := shelf{version: told.version, rows: maps.Clone(s.rows)}
	if next.rows == nil {
		next.rows = make(map[string]shelved)
	}
	next.rows[c.id] = shelved{c.value, told.version}
	return next, told
}

// shelves is the model: topics are independent, and each call takes effect at one
// moment between its beginning and its end.
var shelves = (&porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make(map[topics.Name][]porcupine.Operation)
		for _, op := range history {
			topic := op.Input.(call).topic //nolint:errcheck // the model's own type
			parts[topic] = append(parts[topic], op)
		}
		return slices.Collect(maps.Values(parts))
	},
	Init: func() []any { return []any{shelf{}} },
	Step: func(state, input, output any) []any {
		s, c, r := state.(shelf), input.(call), output.(result) //nolint:errcheck // the model's own types
		if c.read {
			if r.answered && (r.version != s.version || r.rows != s.text()) {
				return nil
			}
			return []any{s}
		}
		next, told := s.put(c)
		if !r.answered {
			return []any{s, next}
		}
		if r.status == topics.StatusDuplicate { // it is told of an earlier try
			r.status = topics.StatusApplied
		}
		if r != told {
			return nil
		}
		return []any{next}
	},
	Equal: func(a, b any) bool {
		x, y := a.(shelf), b.(shelf) //nolint:errcheck // the model's own type
		return x.version == y.version && x.text() == y.text()
	},
}).ToModel()
