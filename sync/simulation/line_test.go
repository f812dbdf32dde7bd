package simulation

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// line is one connection: a session at one end, a client at the other, and what is
// under way between them. Its reader is the server's; the simulation does the rest.
type line struct {
	session *statesync.Session
	cancel  context.CancelFunc
	up      [][]byte // messages the client has sent
	down    [][]byte // frames the server has sent
	inbox   chan []byte
	reading atomic.Bool // the reader is still at the last message: it is being slowed down
	awake   atomic.Bool // the session has something to say, or has not been asked since
	ended   bool        // the server has said its last word
	dropped bool
	// resumes are the heads at which subscriptions began that the client has yet to
	// hear of, by topic, in order.
	resumes map[string][]resume
	// watch sees each frame as the server makes it; brought is when a topic's client was
	// last brought to a state.
	watch   func(raw []byte)
	brought map[topics.Name]time.Time
}

func dial(e *statesync.Engine, id statesync.Identity) (*line, error) {
	l := &line{inbox: make(chan []byte), resumes: make(map[string][]resume), brought: make(map[topics.Name]time.Time), watch: func([]byte) {}}
	l.awake.Store(true)
	s, err := e.Open(context.Background(), statesync.SessionOptions{Identity: id, Wake: func() { l.awake.Store(true) }})
	if err != nil {
		return nil, err
	}
	l.session = s
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.read(ctx)
	return l, nil
}

// read is the server's reader: one message after the other, as slowly as the session
// takes them.
func (l *line) read(ctx context.Context) {
	for message := range l.inbox {
		_ = l.session.Receive(ctx, message) // it fails only when the session is over
		l.reading.Store(false)
	}
}

// arrive hands the oldest message to the reader, if that is free.
func (l *line) arrive() []byte {
	if len(l.up) == 0 || l.dropped || l.reading.Load() {
		return nil
	}
	message := l.up[0]
	l.up = l.up[1:]
	l.reading.Store(true)
	l.inbox <- message
	return message
}

// pull takes one turn of the session's output, but only after a wake.
func (l *line) pull() {
	if l.dropped || !l.awake.Load() {
		return
	}
	l.awake.Store(false)
	out, err := l.session.Next(context.Background(), nil)
	if len(out) > 0 {
		l.awake.Store(true)
	}
	var marks [][]byte // their order is that of a map: a seed is to give the same one again
	for frame := range bytes.Lines(out) {
		frame = bytes.TrimSuffix(frame, []byte{'\n'})
		l.watch(frame)
		if bytes.HasPrefix(frame, []byte(`{"type":"mark"`)) {
			marks = append(marks, frame)
			continue
		}
		l.flush(&marks)
		l.down = append(l.down, frame)
	}
	l.flush(&marks)
	if err != nil {
		l.ended = true
	}
}

func (l *line) flush(marks *[][]byte) {
	slices.SortFunc(*marks, bytes.Compare)
	l.down = append(l.down, *marks...)
	*marks = nil
}

// drop ends the connection at the server's end.
func (l *line) drop() {
	if l.dropped {
		return
	}
	l.dropped = true
	l.cancel()
	l.session.Close()
	close(l.inbox)
	l.up, l.ended = nil, true
}
