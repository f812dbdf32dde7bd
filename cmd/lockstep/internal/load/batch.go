package load

import (
	"encoding/json"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// Bounds of one batch, below those of one inbound message. A row that is larger
// goes alone.
const (
	maxRows   = topics.MaxChanges
	maxBytes  = 192 << 10
	maxValues = strict.DefaultValues * 9 / 10

	changeBytes  = 64 // around a row, beside its id and its event
	changeValues = 4
)

// batch is the rows of one mutation.
type batch struct {
	first   int // the number of its first row in the file, from 1
	changes []remote.Change
	ids     map[string]struct{}
	bytes   int
	values  int
}

func newBatch(first int) *batch {
	return &batch{first: first, ids: make(map[string]struct{})}
}

// add takes a row in and reports true, or leaves it for the next batch. The first
// row always fits.
func (b *batch) add(id, event string, row []byte) bool {
	bytes, values := len(row)+2*len(id)+len(event)+changeBytes, rows.Values(row)+changeValues
	full := len(b.changes) == maxRows || b.bytes+bytes > maxBytes || b.values+values > maxValues
	if full && len(b.changes) > 0 {
		return false
	}
	b.changes = append(b.changes, remote.Change{EntityID: id, Payload: append(json.RawMessage(nil), row...), Event: event})
	b.ids[id] = struct{}{}
	b.bytes += bytes
	b.values += values
	return true
}

// meets reports whether both batches have a row with the same id.
func (b *batch) meets(other *batch) bool {
	for id := range b.ids {
		if _, ok := other.ids[id]; ok {
			return true
		}
	}
	return false
}

// halves are the batch in two, for a server that takes less at a time.
func (b *batch) halves() (*batch, *batch) {
	cut := len(b.changes) / 2
	return &batch{first: b.first, changes: b.changes[:cut]}, &batch{first: b.first + cut, changes: b.changes[cut:]}
}
