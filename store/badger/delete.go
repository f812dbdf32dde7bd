package badger

import (
	"context"

	"github.com/lockstep-sync/lockstep/store"
)

// Delete ends the topic's incarnation in one small commit. What belonged to it is
// out of reach at once, and swept away in the background.
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
		return &job{gone: &h, writes: []write{{key: key, value: seal(key, spaceGarbage)}}}, nil
	})
	if err == nil {
		s.sweeper.start(s)
	}
	return err
}
