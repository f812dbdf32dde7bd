package badger

import (
	"github.com/lockstep-sync/lockstep/store"
)

// job is what a request that runs alone writes: compaction and deletion. It is
// decided by the committer itself, on the newest state, and is small.
type job struct {
	writes []write
	head   *head // the topic's new head, with the hash of the present one; nil: it stays
}

// do runs decide as a group of its own. A nil job writes nothing.
func (s *Store) do(topic store.Topic, decide func(v view) (*job, error)) error {
	r := &request{topic: topic, alone: decide, turn: make(chan turn, 1)}
	s.submit(r)
	return r.err
}

func (b *batch) addJob(r *request) error {
	j, err := r.alone(b.v)
	if err != nil || j == nil {
		return err
	}
	if err := b.write(j.writes); err != nil {
		return err
	}
	if j.head == nil {
		return nil
	}
	return b.setHead(r.topic, *j.head)
}
