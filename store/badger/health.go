package badger

import (
	"fmt"
	"sync/atomic"
	"time"
)

// stallAfter is how long one group may take before Health reports it. Badger waits
// without a bound when it cannot flush.
const stallAfter = 5 * time.Second

// pulse is when the group under way began.
type pulse struct{ began atomic.Int64 } // Unix nanoseconds; 0: none is under way

func (p *pulse) begin() { p.began.Store(time.Now().UnixNano()) }
func (p *pulse) end()   { p.began.Store(0) }

// Health is nil while commits are taken and get done; otherwise it says what is
// wrong: for a readiness check, which it never keeps waiting.
func (s *Store) Health() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	if began := s.pulse.began.Load(); began != 0 {
		if took := time.Since(time.Unix(0, began)); took > stallAfter {
			return fmt.Errorf("store: a commit has been under way for %v", took.Round(time.Second))
		}
	}
	return s.space.check()
}
