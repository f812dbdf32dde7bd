package server

import (
	"context"
	"sync"
)

// requests counts the requests in flight, so that draining can wait for them. Once
// closed it takes no more.
type requests struct {
	mu     sync.Mutex
	count  int
	closed bool
	idle   chan struct{} // made by wait; closed when count reaches 0

	// leaving is closed when draining begins: waits that only wait for news end.
	leaving chan struct{}
	once    sync.Once
}

func (q *requests) init() { q.leaving = make(chan struct{}) }

// begin reports whether one more may be answered.
func (q *requests) begin() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.count++
	return true
}

func (q *requests) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count--; q.count == 0 && q.idle != nil {
		close(q.idle)
		q.idle = nil
	}
}

// leave tells those who wait for news to stop waiting.
func (q *requests) leave() { q.once.Do(func() { close(q.leaving) }) }

func (q *requests) draining() bool {
	select {
	case <-q.leaving:
		return true
	default:
		return false
	}
}

// wait takes no more and waits for those in flight, or for ctx.
func (q *requests) wait(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	if q.count == 0 {
		q.mu.Unlock()
		return nil
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	idle := q.idle
	q.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
