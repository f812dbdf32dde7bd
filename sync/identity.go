package statesync

import (
	"slices"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Action is what a grant allows on a topic.
type Action string

// The actions.
const (
	ActionRead     Action = "read"
	ActionWrite    Action = "write"
	ActionSignal   Action = "signal"
	ActionPresence Action = "presence"
	ActionAdmin    Action = "admin"
)

var actions = []Action{ActionRead, ActionWrite, ActionSignal, ActionPresence, ActionAdmin}

// Grants decide what an identity may do with a topic of its tenant.
type Grants interface {
	Allow(action Action, topic topics.Name) bool
}

// Identity is who a session speaks for. Whoever opens a session vouches for it.
type Identity struct {
	Tenant topics.Tenant
	User   string
	Grants Grants
	// Permissions are named grants that the application's handlers ask for with Has.
	Permissions []string
	// Topics are followed without the client asking; the transport subscribes them.
	Topics []topics.Name
	// Expires is when the transport ends the session, unless it is refreshed before;
	// zero: never.
	Expires time.Time
}

// Has reports whether the identity holds a named grant, such as "chat:moderate".
func (id Identity) Has(permission string) bool { return slices.Contains(id.Permissions, permission) }

// Expired reports whether the identity holds no longer.
func (id Identity) Expired(now time.Time) bool {
	return !id.Expires.IsZero() && !now.Before(id.Expires)
}

// May reports whether the identity may do action on topic. Nobody reads another
// user's user: topic, whatever the grants say (P8).
func (id Identity) May(action Action, topic topics.Name) bool {
	if topic.Type() == topics.TypeUser && action == ActionRead && !id.owns(topic) {
		return false
	}
	return id.Grants != nil && id.Grants.Allow(action, topic)
}

func (id Identity) owns(topic topics.Name) bool {
	own, err := topics.UserTopic(id.User)
	return err == nil && own == topic
}

// access lists what the identity may do, for the subscribed frame.
func (id Identity) access(topic topics.Name) []string {
	var list []string
	for _, a := range actions {
		if id.May(a, topic) {
			list = append(list, string(a))
		}
	}
	return list
}

// check is May as an error. It is the same whether the topic exists or not.
func (id Identity) check(action Action, topic topics.Name) error {
	if id.May(action, topic) {
		return nil
	}
	return topics.Errorf(topics.CodeForbidden, "topic", "%s needs the grant %q, which you do not have", topic, action)
}

// AllowAll grants everything; it is what development mode gives to everybody.
type AllowAll struct{}

// Allow is always true.
func (AllowAll) Allow(Action, topics.Name) bool { return true }
