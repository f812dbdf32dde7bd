package replay

import (
	"encoding/json"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Entry is one thing that happened: an entity got a value.
type Entry struct {
	At       time.Time
	EntityID string
	Event    string // the event's name; empty: by what it does
	Payload  json.RawMessage
}

// Bounds of one batch, below those of one mutation. A single entry may be larger.
const (
	maxBatch      = topics.MaxChanges
	maxBatchBytes = topics.MaxMutationBytes / 2
)

// Tape is where the playing of a history stands. It moves only when it is told
// what the time is.
type Tape struct {
	entries []Entry // in time order
	next    int     // the first entry that is not played
	speed   float64 // seconds of history per second; 0: it stands still
	// At the moment since, the history had got to at.
	since, at time.Time
}

// NewTape makes a tape that begins with the first entry at now. The entries are in
// time order.
func NewTape(entries []Entry, speed float64, now time.Time) *Tape {
	t := &Tape{entries: entries, speed: speed}
	t.Rewind(now)
	return t
}

// Rewind goes back to the beginning.
func (t *Tape) Rewind(now time.Time) {
	t.next, t.since, t.at = 0, now, time.Time{}
	if len(t.entries) > 0 {
		t.at = t.entries[0].At
	}
}

// SetSpeed goes on from where the tape is, faster or slower.
func (t *Tape) SetSpeed(speed float64, now time.Time) {
	t.at, t.since, t.speed = t.position(now), now, speed
}

// Due are the entries whose time has come, at most one batch of them. They stay
// due until Played.
func (t *Tape) Due(now time.Time) []Entry {
	at, bytes, end := t.position(now), 0, t.next
	for end < len(t.entries) && end-t.next < maxBatch && !t.entries[end].At.After(at) {
		bytes += len(t.entries[end].Payload)
		if bytes > maxBatchBytes && end > t.next {
			break
		}
		end++
	}
	return t.entries[t.next:end]
}

// Played moves past n entries.
func (t *Tape) Played(n int) { t.next += n }

// Count is the number of entries played.
func (t *Tape) Count() int { return t.next }

// Done reports whether everything is played.
func (t *Tape) Done() bool { return t.next == len(t.entries) }

// Wait is how long until something is due; ok is false when nothing ever will be.
func (t *Tape) Wait(now time.Time) (wait time.Duration, ok bool) {
	if t.Done() || t.speed <= 0 {
		return 0, false
	}
	ahead := t.entries[t.next].At.Sub(t.position(now))
	return max(0, time.Duration(float64(ahead)/t.speed)), true
}

// position is how far the history has got.
func (t *Tape) position(now time.Time) time.Time {
	return t.at.Add(time.Duration(float64(now.Sub(t.since)) * t.speed))
}
