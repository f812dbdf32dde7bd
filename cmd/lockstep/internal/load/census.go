package load

import (
	"context"
	"errors"
	"sync"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

// census counts what a load does, by following its topic: an ack says that a batch
// was applied, and the events say which of its rows were new, changed or neither.
type census struct {
	load   *Load
	cancel context.CancelFunc
	moved  chan struct{} // of capacity 1: at or err is new
	ended  chan struct{} // closed when the follower has ended

	mu     sync.Mutex
	at     topics.Position
	err    error
	result Result
}

var errBeganAnew = errors.New("the topic was deleted or begun anew meanwhile")

// newCensus begins to count at the topic's head.
func newCensus(ctx context.Context, l *Load) (*census, error) {
	at, err := l.o.Client.Position(ctx, l.o.Topic)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &census{load: l, cancel: cancel, moved: make(chan struct{}, 1), ended: make(chan struct{}), at: at}
	go c.follow(ctx)
	return c, nil
}

func (c *census) follow(ctx context.Context) {
	defer close(c.ended)
	f := remote.Following{Topic: c.load.o.Topic, After: c.at, Every: true, Known: true}
	err := c.load.o.Client.Follow(ctx, f, c.take)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.tell()
}

// take counts the events of this load in one frame.
func (c *census) take(f remote.Frame) error {
	if f.Type != "events" {
		return errBeganAnew
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range f.Events {
		switch e := &f.Events[i]; {
		case e.TraceID != c.load.run:
		case e.Name == topics.EventAdded:
			c.result.Added++
		default:
			c.result.Changed++
		}
	}
	c.at = f.At
	c.tell()
	return nil
}

func (c *census) tell() {
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// upTo is what was counted, once the topic has been followed up to a version.
func (c *census) upTo(ctx context.Context, version topics.Version) (Result, error) {
	for {
		c.mu.Lock()
		at, err, result := c.at.Version, c.err, c.result
		c.mu.Unlock()
		switch {
		case at >= version:
			return result, nil
		case err != nil:
			return Result{}, err
		}
		select {
		case <-c.moved:
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	}
}

// stop ends the counting and waits for its end.
func (c *census) stop() {
	c.cancel()
	<-c.ended
}
