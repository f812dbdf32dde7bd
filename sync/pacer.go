package statesync

import (
	"container/heap"
	"sync"
	"time"
)

// pacer wakes cursors that are behind and not to be read before a time: those of
// subscriptions with max_rate. They wait in the log as every cursor does, so one timer
// and a heap of them is all that it takes. Its lock is a leaf.
type pacer struct {
	clock func() time.Time

	mu      sync.Mutex
	waiting alarms
	timer   *time.Timer // set while somebody waits
}

// pace is how often a subscription with max_rate is brought up to date, and when next.
type pace struct {
	rate  float64   // times a second, at most; fixed
	due   time.Time // when the next time may be; of the session's lock
	alarm time.Time // when it is to be woken; guarded by the pacer's lock
	index int       // in pacer.waiting, plus one; 0: it does not wait; likewise
}

func newPace(rate float64) *pace {
	if rate == 0 {
		return nil
	}
	return &pace{rate: rate}
}

// early reports whether it is too soon for the next state, and has the cursor woken
// when it is time.
func (c *cursor) early() bool {
	if c.pace == nil || !c.session.engine.clock().Before(c.pace.due) {
		return false
	}
	c.session.engine.pacer.add(c)
	return true
}

// brought says that the client has been brought to a state. What has been begun is
// brought to its end without a pause.
func (c *cursor) brought() {
	if c.pace != nil && !c.skipped {
		c.pace.due = c.session.engine.clock().Add(time.Duration(float64(time.Second) / c.pace.rate))
	}
}

// add has a cursor woken when it is due.
func (p *pacer) add(c *cursor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.pace.index != 0 {
		return
	}
	c.pace.alarm = c.pace.due
	if heap.Push(&p.waiting, c); p.waiting[0] == c {
		p.set()
	}
}

// remove forgets a cursor that has ended.
func (p *pacer) remove(c *cursor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.pace == nil || c.pace.index == 0 {
		return
	}
	if heap.Remove(&p.waiting, c.pace.index-1); len(p.waiting) == 0 {
		p.timer.Stop()
	}
}

// set has the timer go off for the first of those who wait.
func (p *pacer) set() {
	left := p.waiting[0].pace.alarm.Sub(p.clock())
	if p.timer == nil {
		p.timer = time.AfterFunc(left, p.ring)
		return
	}
	p.timer.Reset(left)
}

// ring makes ready those whose time has come.
func (p *pacer) ring() {
	p.mu.Lock()
	var due []*cursor
	for now := p.clock(); len(p.waiting) > 0 && !p.waiting[0].pace.alarm.After(now); {
		c, _ := heap.Pop(&p.waiting).(*cursor)
		due = append(due, c)
	}
	if len(p.waiting) > 0 {
		p.set()
	}
	p.mu.Unlock()
	for _, c := range due {
		c.session.ready.pushCursor(c)
	}
}

// alarms is a heap of cursors, the first to be woken on top.
type alarms []*cursor

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].pace.alarm.Before(a[j].pace.alarm) }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].pace.index, a[j].pace.index = i+1, j+1
}

// Push adds a cursor, for container/heap.
func (a *alarms) Push(x any) {
	c, _ := x.(*cursor)
	*a = append(*a, c)
	c.pace.index = len(*a)
}

// Pop takes the last cursor out, for container/heap.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	c := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	c.pace.index = 0
	return c
}
