package badger

import (
	"context"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
)

// Topics lists topics with commits, in the order of their heads' keys.
func (s *Store) Topics(ctx context.Context, after store.Topic, most int) ([]store.Topic, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.life.RUnlock()
	v := s.viewAt(s.durable.Load())
	defer v.close()
	prefix, from := []byte{spaceHead}, []byte{spaceHead}
	if after != (store.Topic{}) {
		from = append(headKey(after), 0) // the first key behind its head
	}
	var list []store.Topic
	err := v.scan(prefix, from, func(key []byte, item *bdg.Item) (bool, error) {
		topic, _, err := topicOf(key)
		if err != nil {
			return false, err
		}
		err = item.Value(func(record []byte) error {
			// A head that cannot be read is listed: whoever uses it hears why.
			if h, err := decodeHead(s.incarnation, topic, key, record); err != nil || h.birth != 0 {
				list = append(list, topic)
			}
			return nil
		})
		return len(list) < most, err
	})
	return list, err
}
