package statesync

import "github.com/lockstep-sync/lockstep/topics"

// Plans is what each of the session's cursors gets next, for whoever asks why a
// client is not where it should be. A topic that cannot be read is left out.
func (s *Session) Plans() map[topics.Name]Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[topics.Name]Plan, len(s.cursors))
	for _, c := range s.cursors {
		name := c.topic.key.Name
		if c.run != nil {
			all[name] = Plan{step: stepRun}
			continue
		}
		c.topic.mu.Lock()
		if c.topic.load(s.engine.lifetime) == nil {
			all[name] = Resume(c.mode, c.at, c.topic.bounds())
		}
		c.topic.mu.Unlock()
	}
	return all
}
