package statesync

import "context"

// delete removes the topic between two commits. Mutations that wait meanwhile are
// decided against the topic that comes next.
func (t *topic) delete(ctx context.Context) error {
	if !t.engine.work.add() {
		return topicError(context.Canceled)
	}
	defer t.engine.work.done()
	removed := make(chan error, 1)
	t.mu.Lock()
	t.removals = append(t.removals, removed)
	t.decideSoon()
	t.mu.Unlock()
	select {
	case err := <-removed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// remove ends the topic's incarnation for all who asked. Only commitAll calls it.
func (t *topic) remove(asked []chan<- error) {
	err := t.engine.store.Delete(t.engine.lifetime, t.key)
	if err == nil {
		t.engine.lanes.forget(t.key)
		t.mu.Lock()
		t.loaded = false
		err = t.load(t.engine.lifetime)
		t.wakeAll()
		t.mu.Unlock()
	}
	for _, removed := range asked {
		if err != nil {
			removed <- topicError(err)
			continue
		}
		removed <- nil
	}
}
