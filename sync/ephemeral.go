package statesync

import (
	"time"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Ephemeral things travel beside the cursors: they are in no log, and may be
// dropped.

// PresenceLinger is how long a member stays after its last session went, so that a
// reconnect is not seen as leaving and coming.
const PresenceLinger = 10 * time.Second

// signal passes a signal on to everybody else who follows the topic.
func (s *Session) signal(f frame.Signal) {
	c, err := s.following(f.Topic, ActionSignal)
	if err != nil {
		s.topicError(f.Topic, err)
		return
	}
	line := append(frame.AppendSignal(nil, c.topic.key.Name, s.Identity().User, f), '\n')
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	for _, other := range c.topic.cursors {
		if other.session != s && !other.session.ready.pushSignal(line, s.engine.limits.Signals) {
			s.engine.metrics.bound("signals")
		}
	}
}

// present says who the session's client is in a topic; a null state takes it out.
func (s *Session) present(f frame.Present) {
	c, err := s.following(f.Topic, ActionPresence)
	if most := s.engine.limits.PresenceBytes; err == nil && len(f.State) > most {
		err = topics.Errorf(topics.CodeTooLarge, "state", "is %d bytes long; at most %d", len(f.State), most)
	}
	if err != nil {
		s.topicError(f.Topic, err)
		return
	}
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	if f.State == nil {
		c.topic.absent(c)
		return
	}
	key := memberKey{user: s.Identity().User, client: s.client}
	if key.client == "" {
		key.client = s.id
	}
	c.topic.presence.set(key, f.State)
	if !c.present {
		c.present, c.member = true, key
		c.topic.presence.members[key].sessions++
	}
	c.topic.tellPresence()
}

// following is the session's cursor on a topic that it may do action on.
func (s *Session) following(topic string, action Action) (*cursor, *topics.Error) {
	name, err := topics.ParseName(topic)
	if err != nil {
		return nil, topics.AsError(err)
	}
	if err := s.engine.permit(s.Identity(), action, name); err != nil {
		return nil, topics.AsError(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.cursors.of(name); c != nil {
		return c, nil
	}
	return nil, topics.Errorf(topics.CodeInvalid, "topic", "%s is not subscribed; subscribe first", name)
}

// absent ends c's presence at once. The caller holds t.mu.
func (t *topic) absent(c *cursor) {
	if !c.present {
		return
	}
	c.present = false
	m := t.presence.members[c.member]
	if m.sessions--; m.sessions > 0 {
		return
	}
	if t.presence.leave(c.member) {
		t.tellPresence()
	}
}

// linger ends c's presence unless its client is back in time. The caller holds t.mu.
func (t *topic) linger(c *cursor) {
	if !c.present {
		return
	}
	c.present = false
	m := t.presence.members[c.member]
	if m.sessions--; m.sessions > 0 {
		return
	}
	t.engine.registry.use(t.key) // the member keeps its topic in memory
	time.AfterFunc(PresenceLinger, func() {
		defer t.engine.registry.release(t)
		t.mu.Lock()
		defer t.mu.Unlock()
		if m.sessions == 0 && t.presence.leave(m.memberKey) {
			t.tellPresence()
		}
	})
}

// tellPresence has every cursor that asked for presence told. The caller holds t.mu.
func (t *topic) tellPresence() {
	for _, c := range t.cursors {
		if c.presence {
			c.session.ready.pushPresence(c)
		}
	}
}

// appendPresence appends what c has not been told of who is here.
func (c *cursor) appendPresence(dst []byte) []byte {
	c.topic.mu.Lock()
	defer c.topic.mu.Unlock()
	if c.presenceSeen == c.topic.presence.number && c.presenceSeen != 0 {
		return dst
	}
	f := c.topic.presence.since(c.presenceSeen, c.session.engine.limits.PresenceMembers)
	c.presenceSeen = c.topic.presence.number
	return append(frame.AppendPresence(dst, c.topic.key.Name, f), '\n')
}
