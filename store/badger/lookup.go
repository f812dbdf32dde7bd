package badger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Row returns the entity's entry of the last list.
func (s *Store) Row(ctx context.Context, topic store.Topic, entityID string) (store.Event, bool, error) {
	v, end, err := s.begin(ctx, topic)
	if err != nil {
		return store.Event{}, false, err
	}
	defer end()
	h, err := v.head(topic)
	if err != nil || h.birth == 0 {
		return store.Event{}, false, err
	}
	prefix := dataPrefix(topic, h.birth)
	at, err := v.entry(topic, prefix, entityID)
	if err != nil || at.version == 0 {
		return store.Event{}, false, err
	}
	e, ok, err := v.event(topic, prefix, kindLast, at.version)
	if err == nil && (!ok || e.EntityID != entityID || e.Kind != at.kind) {
		err = s.damaged(topic, at.version, fmt.Sprintf("the index of entity %q points there, but its entry is not", entityID))
	}
	return e, err == nil, err
}

// Lane returns the outcomes of a lane that are kept: the ring's, in seq order.
func (s *Store) Lane(ctx context.Context, topic store.Topic, lane store.LaneKey) (store.Lane, error) {
	v, end, err := s.begin(ctx, topic)
	if err != nil {
		return store.Lane{}, err
	}
	defer end()
	h, err := v.head(topic)
	if err != nil || h.birth == 0 {
		return store.Lane{}, err
	}
	prefix := appendLane(dataPrefix(topic, h.birth), lane)
	var outcomes []topics.Outcome
	err = v.scan(prefix, prefix, func(key []byte, item *bdg.Item) (bool, error) {
		if len(key) != len(prefix)+1 {
			return true, nil // cannot be: the lane's name ends by its own length
		}
		return true, item.Value(func(record []byte) error {
			o, err := decodeOutcome(key, kindOutcome, record)
			outcomes = append(outcomes, o)
			return err
		})
	})
	if err != nil {
		return store.Lane{}, s.damaged(topic, 0, fmt.Sprintf("the lane of client %q: %v", lane.Client, err))
	}
	return orderLane(s, topic, lane, outcomes)
}

// orderLane puts the ring's slots in order and holds them to the ring's law: they
// are contiguous. They need not begin at 1 nor be MaxInFlight: a lane that is used
// again just while it expires begins where it is.
func orderLane(s *Store, topic store.Topic, lane store.LaneKey, outcomes []topics.Outcome) (store.Lane, error) {
	if len(outcomes) == 0 {
		return store.Lane{}, nil
	}
	slices.SortFunc(outcomes, func(a, b topics.Outcome) int { return cmp.Compare(a.Seq, b.Seq) })
	first := outcomes[0].Seq
	for i, o := range outcomes {
		if o.Seq != first+uint64(i) {
			return store.Lane{}, s.damaged(topic, 0, fmt.Sprintf("the lane of client %q has no outcome of seq %d", lane.Client, first+uint64(i)))
		}
	}
	return store.Lane{Outcomes: outcomes}, nil
}

// Key returns the outcome recorded under an idempotency key.
func (s *Store) Key(ctx context.Context, topic store.Topic, key store.IdempotencyKey) (topics.Outcome, bool, error) {
	v, end, err := s.begin(ctx, topic)
	if err != nil {
		return topics.Outcome{}, false, err
	}
	defer end()
	h, err := v.head(topic)
	if err != nil || h.birth == 0 {
		return topics.Outcome{}, false, err
	}
	at := appendIdempotencyKey(dataPrefix(topic, h.birth), key)
	var o topics.Outcome
	ok, err := v.get(at, func(record []byte) (err error) {
		o, err = decodeOutcome(at, kindKey, record)
		return err
	})
	if err != nil {
		return topics.Outcome{}, false, s.damaged(topic, 0, fmt.Sprintf("the outcome of a key: %v", err))
	}
	return o, ok, nil
}
