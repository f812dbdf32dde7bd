package statesync

import (
	"slices"
	"sync"

	"github.com/lockstep-sync/lockstep/sync/frame"
)

// ready is what a session has to say: answers, control lines, signals, and cursors
// that are behind. Its lock is a leaf: commits push while they hold a topic's lock.
type ready struct {
	wake func() // told once per idle period; must not block; fixed after construction

	mu      sync.Mutex
	armed   bool     // the writer is idle and wants to be told
	closed  bool     // nothing is taken any more
	lines   [][]byte // control lines, each with its newline
	answers []waiting
	signals [][]byte
	present []*cursor // whose presence has changed; each at most once
	cursors []*cursor // a cursor is here at most once: its queued says whether
}

// pushLine queues one control line.
func (r *ready) pushLine(line []byte) {
	r.push(func() { r.lines = append(r.lines, line) })
}

// waiting is an answer on its way out; with slot it gives back the place that its
// mutation has taken.
type waiting struct {
	frame.Answer
	slot bool
}

// pushAnswer queues the answer to a mutation.
func (r *ready) pushAnswer(a frame.Answer, slot bool) {
	r.push(func() { r.answers = append(r.answers, waiting{a, slot}) })
}

// pushCursor queues a cursor that is behind.
func (r *ready) pushCursor(c *cursor) {
	r.push(func() {
		if !c.queued {
			c.queued = true
			r.cursors = append(r.cursors, c)
		}
	})
}

// pushSignal queues a signal. It reports false when an older one had to go for it.
func (r *ready) pushSignal(line []byte, most int) (room bool) {
	r.push(func() {
		if room = len(r.signals) < most; !room {
			r.signals = append(r.signals[:0], r.signals[1:]...)
		}
		r.signals = append(r.signals, line)
	})
	return room
}

// pushPresence queues a cursor whose topic's presence has changed.
func (r *ready) pushPresence(c *cursor) {
	r.push(func() {
		if !slices.Contains(r.present, c) {
			r.present = append(r.present, c)
		}
	})
}

func (r *ready) push(add func()) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	add()
	wake := r.armed
	r.armed = false
	r.mu.Unlock()
	if wake {
		r.wake()
	}
}

// takeLines takes all control lines.
func (r *ready) takeLines() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// takeAnswers takes all answers.
func (r *ready) takeAnswers() []waiting {
	r.mu.Lock()
	defer r.mu.Unlock()
	answers := r.answers
	r.answers = nil
	return answers
}

// takeEphemeral takes all signals and the cursors whose presence has changed.
func (r *ready) takeEphemeral() (signals [][]byte, present []*cursor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	signals, present = r.signals, r.present
	r.signals, r.present = nil, nil
	return signals, present
}

func (r *ready) hasAnswers() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.answers) > 0
}

// takeCursor takes the cursor that has waited longest; nil when none is behind.
func (r *ready) takeCursor() *cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.cursors) == 0 {
		return nil
	}
	c := r.cursors[0]
	copy(r.cursors, r.cursors[1:])
	r.cursors[len(r.cursors)-1] = nil
	r.cursors = r.cursors[:len(r.cursors)-1]
	c.queued = false
	return c
}

// rest arms the wake when there is nothing to say, and reports whether there was.
func (r *ready) rest() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	idle := len(r.lines) == 0 && len(r.answers) == 0 && len(r.cursors) == 0 && len(r.signals) == 0 && len(r.present) == 0
	r.armed = idle
	return idle
}

func (r *ready) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed, r.armed = true, false
	r.lines, r.answers, r.cursors, r.signals, r.present = nil, nil, nil, nil, nil
}
