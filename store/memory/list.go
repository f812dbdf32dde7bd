package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/lockstep-sync/lockstep/store"
)

// Topics lists topics with commits.
func (s *Store) Topics(ctx context.Context, after store.Topic, most int) ([]store.Topic, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return nil, s.down
	}
	var list []store.Topic
	for name, t := range s.topics {
		if t.birth != 0 && order(name, after) > 0 {
			list = append(list, name)
		}
	}
	slices.SortFunc(list, order)
	return list[:min(most, len(list))], nil
}

func order(a, b store.Topic) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
}
