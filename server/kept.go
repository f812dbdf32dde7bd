package server

import (
	"context"
	"sync"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
)

// kept is a session without a connection of its own: requests hand in its frames
// and take what it has to say. Any request may write; one at a time reads.
type kept struct {
	sessions *sessions
	session  *statesync.Session
	ticket   *ticket
	woken    chan struct{} // holds one token when the session has something to say
	turn     chan struct{} // holds one token while a request reads

	writing sync.Mutex // held while frames are handed in
	pace    pace       // guarded by writing

	// Guarded by sessions.mu.
	uses  int           // requests that have it
	stop  chan struct{} // closed to ask the reader for its turn; nil: nobody wants to read
	until time.Time     // it is kept for, while uses is 0
	ended bool
}

func (k *kept) wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// takeTurn makes the caller the reader. The reader before it is asked to leave: its
// client has given it up, or would not ask again. stop tells when the caller is
// asked to leave in its turn.
func (k *kept) takeTurn(ctx context.Context) (stop chan struct{}, err error) {
	stop = make(chan struct{})
	k.sessions.mu.Lock()
	if k.stop != nil {
		close(k.stop)
	}
	k.stop = stop
	k.sessions.mu.Unlock()
	select {
	case k.turn <- struct{}{}:
		return stop, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// takeFreeTurn makes the caller the reader if there is none.
func (k *kept) takeFreeTurn() (stop chan struct{}, ok bool) {
	k.sessions.mu.Lock()
	defer k.sessions.mu.Unlock()
	select {
	case k.turn <- struct{}{}:
		k.stop = make(chan struct{})
		return k.stop, true
	default:
		return nil, false
	}
}

func (k *kept) giveTurn(stop chan struct{}) {
	k.sessions.mu.Lock()
	defer k.sessions.mu.Unlock()
	if k.stop == stop {
		k.stop = nil
	}
	<-k.turn
}

// receive hands a request's frames in, each as a message of the request's trace. A panic on the way is an
// error.
func (k *kept) receive(ctx context.Context, trace string, frames [][]byte) (err error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	defer func() {
		if cause := recover(); cause != nil {
			err = k.sessions.server.panicked(k.session.ID(), trace, cause)
		}
	}()
	if err := k.pace.wait(ctx.Done(), k.session.Identity().Tenant, len(frames)); err != nil {
		return err
	}
	k.session.Traced(trace)
	for _, f := range frames {
		if err := k.session.Receive(ctx, f); err != nil {
			return err
		}
	}
	return nil
}
