package server

import (
	"sync"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// flood is how many times what is allowed in a second may be owed before a session
// is ended instead of slowed down.
const flood = 10

// pace slows down who sends more frames than a session may, or than its tenant may.
// One goroutine uses it.
type pace struct {
	server *Server
	frames bucket
}

func (s *Server) newPace() pace {
	return pace{server: s, frames: newBucket(s.limits.Frames, 2*s.limits.Frames)}
}

// wait takes n frames, and waits until they are due, or over is closed.
func (p *pace) wait(over <-chan struct{}, tenant topics.Tenant, n int) error {
	now := time.Now()
	due := p.frames.owe(n, now)
	if due > flood*time.Second {
		p.server.metrics.bound("flood")
		return topics.Errorf(topics.CodeRateLimited, "", "%d frames came at once, and %d a second are taken from one session", n, p.server.limits.Frames)
	}
	if due > 0 {
		p.server.metrics.bound("frames")
	}
	if later := p.server.rates.owe(tenant, n, now); later > due {
		p.server.metrics.bound("tenant_rate")
		due = min(later, flood*time.Second)
	}
	if due == 0 {
		return nil
	}
	timer := time.NewTimer(due)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-over:
		return errGone
	}
}

// rates hold tenants to what they may send. A tenant without a rate is not counted.
type rates struct {
	tenants func(topics.Tenant) TenantLimits

	mu      sync.Mutex
	buckets map[topics.Tenant]*bucket
}

func (r *rates) init(tenants func(topics.Tenant) TenantLimits) {
	r.tenants, r.buckets = tenants, make(map[topics.Tenant]*bucket)
}

// owe takes n frames of a tenant's, and says how long they have to wait.
func (r *rates) owe(tenant topics.Tenant, n int, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.bucket(tenant); b != nil {
		return b.owe(n, now)
	}
	return 0
}

// allow takes one request of a tenant's, or says when the next one may come.
func (r *rates) allow(tenant topics.Tenant, now time.Time) (wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.bucket(tenant)
	if b == nil || b.take(1, now) {
		return 0, true
	}
	return time.Duration((1 - b.level) / b.rate * float64(time.Second)), false
}

// bucket is the tenant's; nil when it has no rate. There are as many as tenants that
// a setting names.
func (r *rates) bucket(tenant topics.Tenant) *bucket {
	rate := r.tenants(tenant).Rate
	if rate == 0 {
		return nil
	}
	b := r.buckets[tenant]
	if b == nil || b.rate != float64(rate) {
		fresh := newBucket(rate, 2*rate)
		b = &fresh
		r.buckets[tenant] = b
	}
	return b
}
