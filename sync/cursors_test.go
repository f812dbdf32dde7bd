package statesync

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// A session's cursors are found by name whatever the order they came and went in.
func TestCursorsAreASet(t *testing.T) {
	names := []topics.Name{"a:1", "a:10", "a:2", "b:1", "doc:x", "gift-list:1"}
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test's choices
	var list cursors
	model := make(map[topics.Name]*cursor)
	for range 2000 {
		name := names[dice.IntN(len(names))]
		if c := list.of(name); c != model[name] {
			t.Fatalf("seed %d: the cursor of %s is %p, want %p", seed, name, c, model[name])
		} else if c == nil {
			c = &cursor{topic: &topic{key: store.Topic{Name: name}}}
			list.add(c)
			model[name] = c
		} else if other := (&cursor{topic: c.topic}); dice.IntN(2) == 0 {
			list.remove(other)
		} else {
			list.remove(c)
			delete(model, name)
		}
		if len(list) != len(model) || !slices.IsSortedFunc(list, func(a, b *cursor) int {
			return slices.Compare([]byte(a.topic.key.Name), []byte(b.topic.key.Name))
		}) {
			t.Fatalf("seed %d: %d cursors, want %d in order", seed, len(list), len(model))
		}
	}
}
