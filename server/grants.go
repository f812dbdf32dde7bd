package server

import (
	"fmt"
	"slices"
	"strings"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// grants are what a token allows. Beyond them a user may read the topic of its own
// notifications, and everybody the broadcasts of the tenant.
type grants struct {
	own  topics.Name
	list []grant
}

type grant struct {
	pattern topics.Pattern
	allow   []statesync.Action
}

var allActions = []statesync.Action{
	statesync.ActionRead, statesync.ActionWrite, statesync.ActionSignal, statesync.ActionPresence, statesync.ActionAdmin,
}

// Allow reports whether any grant covers the topic and allows the action.
func (g *grants) Allow(action statesync.Action, topic topics.Name) bool {
	if action == statesync.ActionRead && (topic == g.own || topic == topics.Broadcast) {
		return true
	}
	return slices.ContainsFunc(g.list, func(one grant) bool {
		return slices.Contains(one.allow, action) && one.pattern.Covers(topic)
	})
}

func (g *grants) add(text string, allow []string) error {
	p, err := topics.ParsePattern(text, g.own.Identifier())
	if err != nil {
		return err
	}
	one := grant{pattern: p}
	for _, word := range allow {
		action := statesync.Action(word)
		if !slices.Contains(allActions, action) {
			return fmt.Errorf("%q is not one of read, write, signal, presence and admin", clip(word))
		}
		one.allow = append(one.allow, action)
	}
	g.list = append(g.list, one)
	return nil
}

// addPermissions makes grants of the permissions that have the form of one: chat:read
// allows to read every topic of the type chat. Others mean something to handlers only.
func (g *grants) addPermissions(list []string) {
	for _, permission := range list {
		typ, word, _ := strings.Cut(permission, ":")
		if slices.Contains(allActions, statesync.Action(word)) {
			_ = g.add(typ+":*", []string{word}) // what is no type grants nothing
		}
	}
}
