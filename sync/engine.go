package statesync

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Options configure an Engine. Only Store is required.
type Options struct {
	Store     store.Store
	Clock     func() time.Time // default time.Now
	Logger    *slog.Logger     // default: discards
	Limits    Limits
	Heartbeat time.Duration // told to clients; default DefaultHeartbeat
	// Reopen opens the store again after a storage call failed. The engine closes
	// the old one first, and owns what Reopen returns: Engine.Store is the one in
	// use. nil: a failed storage call ends all writing.
	Reopen func(context.Context) (store.Store, error)
	// StoreGone is told that the store failed and could not be reopened: the process
	// should end with that error. It must not block.
	StoreGone func(error)
	Hooks     Hooks
	// Metrics is where the engine's metrics are registered; nil: nowhere.
	Metrics prometheus.Registerer
	// Retention is how much history a type's topics keep; nil: the defaults.
	Retention func(topicType string) Retention
	// Declared says which types topics may have, beside the reserved ones; nil: every
	// well-formed one. Whoever asks for another one is answered unknown_type.
	Declared func(topicType string) bool
}

// Engine keeps the state that sessions hold in step with the state of a store.
type Engine struct {
	store     store.Store // the disk below, as everybody else sees it
	disk      *disk
	clock     func() time.Time
	log       *slog.Logger
	limits    Limits
	heartbeat time.Duration
	storeGone func(error)
	registry  *registry
	lanes     *lanes
	snapshots *snapshots
	metrics   *metrics
	pacer     pacer
	handlers  handlers
	retention func(topicType string) Retention
	declared  func(topicType string) bool // nil: every type

	// lifetime ends when Close has waited for the work under way.
	lifetime context.Context //nolint:containedctx // of the engine itself
	end      context.CancelFunc
	work     work
	// background are the engine's own goroutines; Close waits for them.
	background sync.WaitGroup

	mu       sync.Mutex
	closing  bool // no session is opened any more
	sessions map[*Session]struct{}
}

// New makes an engine over an open store. The caller closes the engine first and
// then the store, which is Engine.Store where Reopen is set.
func New(o Options) *Engine {
	e := &Engine{
		disk: &disk{current: o.Store, reopen: o.Reopen}, storeGone: o.StoreGone, clock: o.Clock, log: o.Logger, limits: o.Limits.orDefault(), heartbeat: o.Heartbeat,
		handlers: newHandlers(o.Hooks), declared: o.Declared, sessions: make(map[*Session]struct{}),
	}
	if e.clock == nil {
		e.clock = time.Now
	}
	e.pacer.clock = e.clock
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.heartbeat == 0 {
		e.heartbeat = DefaultHeartbeat
	}
	if e.storeGone == nil {
		e.storeGone = func(error) {}
	}
	if e.retention = o.Retention; e.retention == nil {
		e.retention = func(string) Retention { return Retention{} }
	}
	e.store = e.disk
	e.lifetime, e.end = context.WithCancel(context.Background())
	e.registry = newRegistry(e)
	e.snapshots = newSnapshots(e)
	e.lanes = newLanes(e.limits.Lanes)
	e.metrics = newMetrics(e, o.Metrics)
	e.background.Go(e.retain)
	return e
}

// Limits are the engine's bounds, defaults filled in.
func (e *Engine) Limits() Limits { return e.limits }

// Heartbeat is how long a session may be silent before it says where it is.
func (e *Engine) Heartbeat() time.Duration { return e.heartbeat }

// Close refuses new mutations, waits until those taken are decided and answered,
// or ctx ends, and closes all sessions.
func (e *Engine) Close(ctx context.Context) error {
	err := e.work.close(ctx)
	e.mu.Lock()
	e.closing = true
	e.mu.Unlock()
	for _, s := range e.openSessions() {
		s.Close()
	}
	e.end()
	e.background.Wait()
	return err
}

// Store is the store in use: the one given, or the one that Reopen opened last.
func (e *Engine) Store() store.Store { return e.disk }

func (e *Engine) openSessions() []*Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.sessions))
}

// Delete ends a topic's incarnation: its rows and log are gone, and its sessions
// are told to load again.
func (e *Engine) Delete(ctx context.Context, id Identity, name topics.Name) error {
	if err := e.permit(id, ActionAdmin, name); err != nil {
		return err
	}
	t := e.registry.use(e.key(id, name))
	defer e.registry.release(t)
	return t.delete(ctx)
}

func (e *Engine) key(id Identity, name topics.Name) store.Topic {
	return store.Topic{Tenant: id.Tenant, Name: name}
}

func (e *Engine) newID() string { return rand.Text() }

func (e *Engine) addSession(s *Session) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return topics.Errorf(topics.CodeUnavailable, "", "the server is closing; connect to the next one")
	}
	e.sessions[s] = struct{}{}
	return nil
}

func (e *Engine) removeSession(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sessions, s)
}

// resynced is told of every cursor that has to start over. One that is ahead means
// that this server, or the one before it, has lost what it acknowledged.
func (e *Engine) resynced(c *cursor, p Plan) {
	e.metrics.resyncs.WithLabelValues(string(p.Reason)).Inc()
	if p.Reason == ReasonAhead {
		e.log.Error("a client is ahead of its topic: acknowledged data is missing here", "topic", c.topic.key.String(), "session", c.session.id, "position", c.at.String())
	}
}

func pageError(err error) error {
	if errors.Is(err, store.ErrRunExpired) {
		return topics.Errorf(topics.CodeExpired, "cursor", "is older than %s; begin again without it", store.RunLife)
	}
	return topicError(err)
}
