package badger

import (
	"context"

	"github.com/lockstep-sync/lockstep/store"
)

// Delete ends the topic's incarnation in one small commit. What belonged to it is
// out of reach at once, and swept away in the background. The head stays, as one of a
// topic without commits, for it has to say what the genesis epoch is from now on.
func (s *Store) Delete(ctx context.Context, topic store.Topic) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.life.RUnlock()
	if err := s.failed.Load(); err != nil {
		return *err
	}
	err := s.do(topic, func(v view) (*job, error) {
		h, err := v.head(topic)
		if err != nil || h.birth == 0 {
			return nil, err
		}
		key := garbageKey(topic, h.birth)
		next := genesisHead(s.incarnation, topic, s.newest+1)
		next.hash = h.hash
		return &job{head: &next, writes: []write{{key: key, value: seal(key, spaceGarbage)}}}, nil
	})
	if err == nil {
		s.sweeper.start(s)
	}
	return err
}
