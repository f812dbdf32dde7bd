package server

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// connections are the open ones. One goroutine looks after all of them, and exists
// while there are any.
type connections struct {
	server *Server
	// goroutines counts one for every open connection, from add to remove, and those
	// that it and the sweep start meanwhile. So nothing is added once the last
	// connection is gone and none is taken any more.
	goroutines sync.WaitGroup
	empty      chan struct{} // holds a token when the last connection has gone

	mu       sync.Mutex
	open     map[*connection]struct{}
	closed   bool // no more are taken
	severed  bool // all are cut, and so is one whose handshake is under way
	sweeping bool
}

func (l *connections) init(s *Server) {
	l.server = s
	l.empty = make(chan struct{}, 1)
	l.open = make(map[*connection]struct{})
}

// add takes a connection, and reports false once draining has begun.
func (l *connections) add(c *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.goroutines.Add(1)
	l.open[c] = struct{}{}
	if !l.sweeping {
		l.sweeping = true
		l.goroutines.Go(l.sweep)
	}
	return true
}

func (l *connections) remove(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	if len(l.open) == 0 {
		select {
		case l.empty <- struct{}{}:
		default:
		}
	}
	l.goroutines.Done()
}

// list are the open connections, in no order.
func (l *connections) list() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.open))
}

// close takes no more connections and returns those that are open.
func (l *connections) close() []*connection {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.list()
}

// dismiss says goodbye to connections in random order, spread over the window, so
// that they do not all dial the next server at once.
func (l *connections) dismiss(ctx context.Context, open []*connection, window time.Duration) {
	rand.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	began := time.Now()
	for i, c := range open {
		turn := began.Add(window * time.Duration(i) / time.Duration(len(open)))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(turn)):
		}
		c.dismiss(window)
	}
}

// wait waits until all connections are gone. When ctx ends first it cuts them.
func (l *connections) wait(ctx context.Context) error {
	gone := make(chan struct{})
	go func() {
		l.goroutines.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	l.cut()
	<-gone
	return ctx.Err()
}

// cut ends all connections at once. It holds the lock, so that each is still
// counted while it is cut.
func (l *connections) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.severed = true
	for c := range l.open {
		c.cutOpen()
	}
}

func (l *connections) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.severed
}
