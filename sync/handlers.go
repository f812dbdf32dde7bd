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
}

// Handle registers the mutator that clients call by name. Registering a name twice,
// or a malformed one, is a mistake in the program and panics.
func (e *Engine) Handle(name string, m Mutator) {
	if err := topics.CheckMutatorName(name); err != nil {
		panic("statesync: Handle: " + err.Error())
	}
	e.handlers.mu.Lock()
	defer e.handlers.mu.Unlock()
	if e.handlers.mutators[name] != nil {
		panic(fmt.Sprintf("statesync: Handle: %q is registered already", name))
	}
	e.handlers.mutators[name] = m
}

func (h *handlers) mutator(name string) Mutator {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.mutators[name]
}

// refusal is a hook's error as an answer.
func refusal(err error) *topics.Error {
	var e *topics.Error
	if errors.As(err, &e) {
		return e
	}
	return topics.Errorf(topics.CodeRejected, "", "%s", err)
}
