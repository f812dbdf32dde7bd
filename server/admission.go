package server

import (
	"math/rand/v2"
	"sync"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// admission counts sessions and refuses those past a bound. Requests that are not
// sessions are not counted.
type admission struct {
	limits  Limits
	tenants func(topics.Tenant) TenantLimits
	metrics *metrics

	mu        sync.Mutex
	fresh     bucket // new sessions of the whole server
	all       int
	addresses map[string]int
	users     map[user]int
	perTenant map[topics.Tenant]int
}

// user is one within its tenant.
type user struct {
	tenant topics.Tenant
	name   string
}

func newAdmission(o Options, m *metrics) *admission {
	tenants := o.Tenants
	if tenants == nil {
		tenants = func(topics.Tenant) TenantLimits { return TenantLimits{} }
	}
	return &admission{
		limits: o.Limits.orDefault(), tenants: tenants, metrics: m, fresh: newBucket(o.Limits.orDefault().NewSessions, o.Limits.orDefault().NewSessions),
		addresses: make(map[string]int), users: make(map[user]int), perTenant: make(map[topics.Tenant]int),
	}
}

// ticket is a session's place in the counts, until it is given back.
type ticket struct {
	admission *admission
	transport string
	address   string
	user      user // zero until it is known
	given     bool // back; guarded by admission.mu
}

// enter counts a session that nobody has signed for yet.
func (a *admission) enter(transport, address string) (*ticket, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.all >= a.limits.Sessions:
		a.metrics.bound("sessions")
		return nil, tooMany("the server has %d sessions, which is the most", a.limits.Sessions)
	case a.addresses[address] >= a.limits.AddressSessions:
		a.metrics.bound("address_sessions")
		return nil, tooMany("your address has %d sessions, which is the most; close some", a.limits.AddressSessions)
	case !a.fresh.take(1, time.Now()):
		a.metrics.bound("new_sessions")
		e := topics.Errorf(topics.CodeOverloaded, "", "more than %d sessions a second begin here; come back in a moment", a.limits.NewSessions)
		e.RetryAfter = time.Second + rand.N(4*time.Second)
		return nil, e
	}
	a.all++
	a.addresses[address]++
	a.metrics.sessions.WithLabelValues(transport).Inc()
	return &ticket{admission: a, transport: transport, address: address}, nil
}

// sign counts the session for its user and tenant.
func (t *ticket) sign(id statesync.Identity) error {
	a := t.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	who := user{id.Tenant, id.User}
	most := a.tenants(id.Tenant).MaxConnections
	switch {
	case a.users[who] >= a.limits.UserSessions:
		a.metrics.bound("user_sessions")
		return tooMany("you have %d sessions, which is the most; close some", a.limits.UserSessions)
	case most > 0 && a.perTenant[id.Tenant] >= most:
		a.metrics.bound("tenant_sessions")
		return tooMany("the tenant has %d sessions, which is the most", most)
	}
	t.user = who
	a.users[who]++
	a.perTenant[id.Tenant]++
	return nil
}

// giveBack ends the session's place. It may be called again.
func (t *ticket) giveBack() {
	a := t.admission
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.given {
		return
	}
	t.given = true
	a.all--
	less(a.addresses, t.address)
	if t.user != (user{}) {
		less(a.users, t.user)
		less(a.perTenant, t.user.tenant)
	}
	a.metrics.sessions.WithLabelValues(t.transport).Dec()
}

// less takes one from a count, and forgets a count that is nothing.
func less[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

func tooMany(format string, args ...any) *topics.Error {
	e := topics.Errorf(topics.CodeTooManySessions, "", format, args...)
	e.RetryAfter = 5*time.Second + rand.N(5*time.Second)
	return e
}
