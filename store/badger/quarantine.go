package badger

import (
	"sync"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// maxQuarantined bounds the topics remembered as damaged. Past it a damaged topic
// still fails at the damaged record, every time.
const maxQuarantined = 4096

// quarantine remembers damaged topics: nothing is read from them or written to
// them until the store is opened again. Other topics go on.
type quarantine struct {
	mu     sync.RWMutex
	topics map[store.Topic]*store.DamageError
}

func (q *quarantine) of(topic store.Topic) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if d, ok := q.topics[topic]; ok {
		return d
	}
	return nil
}

func (q *quarantine) add(d *store.DamageError) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.topics == nil {
		q.topics = make(map[store.Topic]*store.DamageError)
	}
	if len(q.topics) < maxQuarantined {
		q.topics[d.Topic] = d
	}
}

// damaged makes the error about a topic and puts the topic into quarantine.
func (s *Store) damaged(topic store.Topic, version topics.Version, detail string) error {
	d := &store.DamageError{Topic: topic, Version: version, Detail: detail}
	s.quarantine.add(d)
	s.log.Error("a topic is damaged; it is closed until the store is opened again",
		"topic", topic.String(), "version", uint64(version), "detail", detail)
	return d
}

// clear lets every topic be tried again: after it was mended.
func (q *quarantine) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.topics = nil
}
