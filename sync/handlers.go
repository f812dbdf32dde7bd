package statesync

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Hooks let an application look in. A nil hook is skipped. The ones that return an
// error can refuse; an [*topics.Error] keeps its code, any other is "rejected".
type Hooks struct {
	// Connect may refuse a session before it begins.
	Connect func(ctx context.Context, id Identity) error
	// Disconnect is told of a session that has ended.
	Disconnect func(id Identity)
	// Subscribe may refuse a subscription that the grants allow. Its session waits.
	Subscribe func(ctx context.Context, id Identity, topic topics.Name) error
	// BeforeMutation may change or refuse a mutation. It runs before the mutation
	// takes its place, on the goroutine that received it, and may take time: only
	// its own session waits. A resend passes it again.
	BeforeMutation func(ctx context.Context, id Identity, m *topics.Mutation) error
	// AfterMutation is told of every decision once it is durable, in order. The
	// topic's next commit waits for it.
	AfterMutation func(id Identity, m topics.Mutation, a frame.Answer)
}

// handlers are what the application has registered.
type handlers struct {
	hooks Hooks // fixed after construction

	mu       sync.RWMutex
	mutators map[string]Mutator
	messages map[string]MessageHandler
	calls    map[string]CallHandler
}

func newHandlers(hooks Hooks) handlers {
	return handlers{
		hooks: hooks, mutators: make(map[string]Mutator), messages: make(map[string]MessageHandler), calls: make(map[string]CallHandler),
	}
}

// register adds what is called by name. A malformed name, or one that is taken, is
// a mistake in the program.
func register[T any](h *handlers, to map[string]T, what, name string, handler T) {
	if err := topics.CheckMutatorName(name); err != nil {
		panic("statesync: " + what + ": " + err.Error())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, taken := to[name]; taken {
		panic(fmt.Sprintf("statesync: %s: %q is registered already", what, name))
	}
	to[name] = handler
}

// find is what was registered under a name, or nil.
func find[T any](h *handlers, in map[string]T, name string) T {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return in[name]
}

// Handle registers the mutator that clients call by name. Registering a name twice,
// or a malformed one, is a mistake in the program and panics.
func (e *Engine) Handle(name string, m Mutator) {
	register(&e.handlers, e.handlers.mutators, "Handle", name, m)
}

func (h *handlers) mutator(name string) Mutator { return find(h, h.mutators, name) }

// refusal is a hook's error as an answer.
func refusal(err error) *topics.Error {
	if e, ok := errors.AsType[*topics.Error](err); ok {
		return e
	}
	return topics.Errorf(topics.CodeRejected, "", "%s", err)
}
