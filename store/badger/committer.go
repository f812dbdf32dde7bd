package badger

import (
	"runtime"
	"sync"
)

// committer turns waiting requests into Badger transactions, one at a time. It has
// no goroutine of its own: the first to come leads, takes all that waits as one
// group, commits it, and hands the lead to the first that came meanwhile. While a
// group is being proven in the ledger, the next one is committed in Badger.
type committer struct {
	mu      sync.Mutex
	waiting []*request
	leading bool // somebody holds the lead

	// Owned by whoever holds the lead.
	newest uint64 // number of the newest commit in Badger
	sum    uint64 // sum of headHash over all heads as of newest

	// proving is taken with the lead and kept after it: it puts proofs in order.
	proving sync.Mutex
}

// submit returns when the request has its result.
func (s *Store) submit(r *request) {
	s.committer.mu.Lock()
	s.waiting = append(s.waiting, r)
	if s.leading {
		s.committer.mu.Unlock()
		if <-r.turn == turnDone {
			return
		}
	} else {
		s.leading = true
		s.committer.mu.Unlock()
	}
	s.lead(r)
}

// lead commits one group, in which own is the first request, and answers it. It lets
// others run first: topics that are ready to commit then share the group.
func (s *Store) lead(own *request) {
	runtime.Gosched()
	group := s.takeGroup()
	s.pulse.begin()
	g, err := s.commitGroup(group)
	s.proving.Lock()
	s.pulse.end()
	s.passLead()
	if err == nil && g.number != 0 {
		err = s.proveGroup(g, group)
	}
	s.proving.Unlock()
	for _, r := range group {
		if err != nil && r.err == nil {
			r.err = err
		}
		if r != own {
			r.turn <- turnDone
		}
	}
}

// takeGroup takes the first requests that wait: as many as one transaction bears,
// or a single one that wants to be alone.
func (s *Store) takeGroup() []*request {
	s.committer.mu.Lock()
	defer s.committer.mu.Unlock()
	n, size := 0, 0
	for n < len(s.waiting) && n < maxGroup {
		r := s.waiting[n]
		if n > 0 && (r.alone != nil || s.waiting[0].alone != nil || size+r.bytes > maxGroupBytes) {
			break
		}
		size += r.bytes
		n++
	}
	group := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	if len(s.waiting) == 0 {
		s.waiting = nil
	}
	return group
}

// passLead wakes the next leader, or leaves the lead to whoever comes.
func (s *Store) passLead() {
	s.committer.mu.Lock()
	defer s.committer.mu.Unlock()
	if len(s.waiting) == 0 {
		s.leading = false
		return
	}
	s.waiting[0].turn <- turnLead
}

// group is one transaction on its way.
type group struct {
	number uint64 // its commit number; 0: nothing was written
	sum    uint64 // of all heads after it
}

// commitGroup checks each request against the newest heads and commits those that
// hold, as one transaction. A request that does not hold fails alone.
func (s *Store) commitGroup(requests []*request) (group, error) {
	if err := s.failed.Load(); err != nil {
		return group{}, *err
	}
	v := s.viewAt(s.newest)
	defer v.close()
	b := newBatch(s, v)
	defer b.txn.Discard()
	for _, r := range requests {
		r.err = b.add(r)
	}
	if !b.dirty {
		return group{}, nil
	}
	if err := b.finish(); err != nil {
		return group{}, s.fail("preparing a transaction", err)
	}
	if err := s.opts.seams.commit(b.txn, b.number); err != nil {
		return group{}, s.fail("committing", err)
	}
	s.newest, s.sum = b.number, b.sum
	b.publish()
	return group{number: b.number, sum: b.sum}, nil
}

// proveGroup writes the ledger and lets readers see the group. It runs under
// proving, in the order of the groups.
func (s *Store) proveGroup(g group, requests []*request) error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	if s.opts.Durability == Sync {
		if err := s.ledger.prove(proof{commit: g.number, digest: g.sum}); err != nil {
			return s.fail("writing the commit ledger", err)
		}
	}
	s.entries.learn(requests, g.number)
	s.durable.Store(g.number)
	s.runs.note(s.clock(), g.number, s.db)
	return nil
}
