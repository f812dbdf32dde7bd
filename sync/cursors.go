package statesync

import (
	"cmp"
	"slices"

	"github.com/lockstep-sync/lockstep/topics"
)

// cursors are a session's, in the order of their topics' names, one per topic. Most
// sessions have few, and for those a slice takes a tenth of what a map does.
type cursors []*cursor

// of is the cursor of the topic; nil when there is none.
func (l cursors) of(name topics.Name) *cursor {
	if i, ok := l.find(name); ok {
		return l[i]
	}
	return nil
}

// add takes a cursor whose topic has none.
func (l *cursors) add(c *cursor) {
	i, _ := l.find(c.topic.key.Name)
	*l = slices.Insert(*l, i, c)
}

// remove takes c out; nothing happens when it is not there.
func (l *cursors) remove(c *cursor) {
	if i, ok := l.find(c.topic.key.Name); ok && (*l)[i] == c {
		*l = slices.Delete(*l, i, i+1)
	}
}

func (l cursors) find(name topics.Name) (int, bool) {
	return slices.BinarySearchFunc(l, name, func(c *cursor, name topics.Name) int {
		return cmp.Compare(c.topic.key.Name, name)
	})
}
