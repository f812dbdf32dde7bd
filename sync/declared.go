package statesync

import "github.com/lockstep-sync/lockstep/topics"

// permit is the one gate before a topic: its type is declared, and the identity may
// do the action. Every way to a topic passes it, whatever the transport.
func (e *Engine) permit(id Identity, action Action, name topics.Name) error {
	if err := e.checkType(name); err != nil {
		return err
	}
	return id.check(action, name)
}

// checkType refuses a topic whose type is not declared, the same for everybody: what
// is declared is no secret.
func (e *Engine) checkType(name topics.Name) *topics.Error {
	if e.declared == nil || name.Reserved() || e.declared(name.Type()) {
		return nil
	}
	return topics.Errorf(topics.CodeUnknownType, "topic", "has the type %q, which is not declared here; declare it, or correct the name", name.Type())
}
