package statesync

import (
	"context"
	"sync"
)

// work counts mutations between being taken and being answered. Once closed it
// takes no more, so that waiting for the rest comes to an end.
type work struct {
	mu     sync.Mutex
	closed bool
	count  int
	idle   chan struct{} // made by close; closed when count reaches 0
}

// add reports whether one more may begin.
func (w *work) add() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.count++
	return true
}

func (w *work) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count--; w.count == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// close takes no more and waits for what is under way, or for ctx.
func (w *work) close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	if w.count == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
