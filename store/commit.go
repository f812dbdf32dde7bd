package store

import (
	"errors"
	"fmt"

	"github.com/lockstep-sync/lockstep/topics"
)

// Bounds of one commit. A larger one fails with [ErrTooLarge] and changes nothing.
const (
	MaxCommitEvents = 1024
	MaxCommitBytes  = topics.MaxMutationBytes + 64<<10 // of events: one mutation at its bound, and its envelopes
	MaxEventBytes   = 1<<20 - 1<<10                    // of one encoded event
)

// ErrMalformed is the answer to a commit that no engine should have made: versions
// with a hole, a Replaces that is not the entity's entry. Nothing was changed.
var ErrMalformed = errors.New("store: the commit is malformed")

// Check holds c to what Append demands of every commit, without looking at the
// topic. Every implementation calls it first.
func (c Commit) Check() error {
	if err := c.checkSize(); err != nil {
		return err
	}
	for i := range c.Events {
		if err := c.checkEvent(i); err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrMalformed, i, err)
		}
	}
	return c.checkOutcomes()
}

func (c Commit) checkSize() error {
	if len(c.Events) > MaxCommitEvents {
		return fmt.Errorf("%w: %d events; at most %d", ErrTooLarge, len(c.Events), MaxCommitEvents)
	}
	total := 0
	for _, e := range c.Events {
		if len(e.JSON) > MaxEventBytes {
			return fmt.Errorf("%w: version %d has %d bytes; at most %d", ErrTooLarge, e.Version, len(e.JSON), MaxEventBytes)
		}
		total += len(e.JSON)
	}
	if total > MaxCommitBytes {
		return fmt.Errorf("%w: %d bytes of events; at most %d", ErrTooLarge, total, MaxCommitBytes)
	}
	return nil
}

func (c Commit) checkEvent(i int) error {
	e, last := c.Events[i], c.Prev.Version+topics.Version(len(c.Events))
	switch {
	case e.Version != c.Prev.Version+topics.Version(i)+1:
		return fmt.Errorf("version %d; want %d", e.Version, c.Prev.Version+topics.Version(i)+1)
	case e.Version > topics.MaxVersion:
		return fmt.Errorf("version %d is past the last one a topic can reach", e.Version)
	case e.End < e.Version || e.End > last || e.Version == last && e.End != last:
		return fmt.Errorf("end %d of version %d is outside the commit, which ends at %d", e.End, e.Version, last)
	case e.Version != e.End && c.Events[i+1].End != e.End:
		return fmt.Errorf("end %d is not that of the next event, %d", e.End, c.Events[i+1].End)
	case e.Kind < KindRow || e.Kind > KindCustom:
		return fmt.Errorf("unknown kind %d", e.Kind)
	case e.Kind != KindCustom && e.EntityID == "":
		return errors.New("no entity")
	case e.Kind == KindCustom && e.Replaces != 0:
		return errors.New("a custom event replaces nothing")
	case e.Replaces >= e.Version:
		return fmt.Errorf("replaces version %d, which is not before it", e.Replaces)
	}
	return checkSpans(e)
}

func checkSpans(e Event) error {
	for _, s := range [...]Span{e.Data, e.Payload} {
		if s.Start > s.End || int(s.End) > len(e.JSON) {
			return fmt.Errorf("span [%d, %d) is outside its %d bytes", s.Start, s.End, len(e.JSON))
		}
	}
	return nil
}

func (c Commit) checkOutcomes() error {
	var lanes map[LaneKey]uint64
	for i, o := range c.Outcomes {
		if o.Seq == 0 || o.Status < topics.StatusApplied || o.Status > topics.StatusRejected {
			return fmt.Errorf("%w: outcome %d has seq %d and status %d", ErrMalformed, i, o.Seq, o.Status)
		}
		if (o.Status == topics.StatusRejected) != (o.Reject != nil) {
			return fmt.Errorf("%w: outcome %d: a reject is set exactly when the status is rejected", ErrMalformed, i)
		}
		if lanes == nil {
			lanes = make(map[LaneKey]uint64, len(c.Outcomes))
		}
		if prev, ok := lanes[o.Lane]; ok && o.Seq != prev+1 {
			return fmt.Errorf("%w: outcome %d: seq %d follows %d in its lane", ErrMalformed, i, o.Seq, prev)
		}
		lanes[o.Lane] = o.Seq
	}
	return nil
}
