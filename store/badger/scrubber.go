package badger

import (
	"errors"
	"sync"
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// Bounds of scrubbing. It rests scrubRest times as long as it works, so it takes a
// fiftieth of a core at most; it works for scrubWork at a time, and longer only
// for a topic that is large. A topic that takes scrubMost is left to Check: its view
// would lose what was superseded meanwhile. No rest is longer than that either.
const (
	scrubEvery = 24 * time.Hour
	scrubDelay = time.Minute // after the store was opened
	scrubWork  = 2 * time.Millisecond
	scrubRest  = 49
	scrubMost  = store.RunLife / 2
)

// scrubber reads the whole store again and again, slowly, and proves each topic's
// rules as Check does, so that damage is found while a backup still has what it hit,
// and not when somebody needs the record (P12). A damaged topic goes into quarantine.
// Its one goroutine lives as long as the store; Close waits for it.
type scrubber struct {
	done sync.WaitGroup
}

// start has a pass begin soon, and then one every so often; negative: never.
func (c *scrubber) start(s *Store, every time.Duration) {
	if every < 0 {
		return
	}
	c.done.Go(func() {
		s.waitFor(min(every, scrubDelay))
		for !s.ending() {
			began := time.Now()
			n, err := s.scrub(scrubRest)
			if err != nil {
				s.log.Warn("reading the store through stopped; it is tried again", "error", err)
			}
			s.log.Debug("the store was read through", "topics", n.topics, "damaged", n.damaged, "left_out", n.leftOut)
			s.waitFor(time.Until(began.Add(every)))
		}
	})
}

func (c *scrubber) wait() { c.done.Wait() }

// scrubbed counts what one pass saw.
type scrubbed struct{ topics, damaged, leftOut int64 }

// scrub is one pass, or as much of one as Close allows. It rests between topics, when
// it holds no view, so many times as long as it has worked.
func (s *Store) scrub(rest time.Duration) (scrubbed, error) {
	var n scrubbed
	prefix := []byte{spaceHead}
	begun := time.Now()
	for from := prefix; from != nil && !s.ending(); {
		if err := s.nextHead(prefix, &from, n.look); err != nil {
			return n, err
		}
		if worked := time.Since(begun); worked > scrubWork {
			s.waitFor(min(rest*worked, scrubMost))
			begun = time.Now()
		}
	}
	return n, nil
}

// look proves one topic's rules.
func (n *scrubbed) look(v view, topic store.Topic, h head, err error) error {
	n.topics++
	if err == nil && v.s.quarantine.of(topic) == nil {
		c := checker{view: v, topic: topic, head: h, prefix: dataPrefix(topic, h.birth), until: time.Now().Add(scrubMost)}
		err = c.all()
	}
	var damage *store.DamageError
	switch {
	case asDamageError(err, &damage):
		n.damaged++
	case errors.Is(err, errOutlived):
		n.leftOut++
	default:
		return err
	}
	return nil
}

// waitFor lets time pass, or Close begin.
func (s *Store) waitFor(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
}
