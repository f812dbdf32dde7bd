package quakes

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/replay"
	"github.com/lockstep-sync/lockstep/topics"
)

// EventStatusChanged is the event of a person's review.
const EventStatusChanged = "STATUS_CHANGED"

// History is what must have happened for a feed to end as these features: each
// appears at its time, found by a machine, and is revised at its last update.
// Played to its end it leaves exactly the features (P7).
func History(features []Feature) ([]replay.Entry, error) {
	entries := make([]replay.Entry, 0, 2*len(features))
	for _, f := range features {
		first, err := f.first()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.ID, err)
		}
		entries = append(entries, replay.Entry{At: f.Time, EntityID: f.ID, Payload: first})
		if f.Status == automatic && !f.Updated.After(f.Time) {
			continue
		}
		name := topics.EventUpdated
		if f.Status != automatic {
			name = EventStatusChanged
		}
		at := f.Updated
		if at.Before(f.Time) {
			at = f.Time
		}
		entries = append(entries, replay.Entry{At: at, EntityID: f.ID, Event: name, Payload: f.JSON})
	}
	// Stable: an update at the very time of its first stays behind it.
	slices.SortStableFunc(entries, func(a, b replay.Entry) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	return entries, nil
}
