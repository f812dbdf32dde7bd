package statesync

import (
	"context"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// snapshots keeps the encoded rows of topics that are joined often. A snapshot of
// an older version is as good as a new one: the cursor goes on from there through
// the tail. It is bounded by bytes; the least recently used one goes.
type snapshots struct {
	engine *Engine
	build  singleflight.Group // one reader of the store per topic

	mu    sync.Mutex
	kept  *simplelru.LRU[store.Topic, *snapshot]
	bytes int
}

// snapshot is a whole run from 0, encoded. Its bytes are shared and never change.
type snapshot struct {
	at     topics.Position
	pieces []piece // none: the topic is too large to keep
	// open are the pieces for a topic that has moved on since: the last one does not
	// say that it is the last, for what follows it belongs to the load (P6).
	open  []piece
	bytes int
}

// join returns the pieces for a cursor that begins at a head.
func (snap *snapshot) join(head topics.Position) (pieces []piece, complete bool) {
	if snap.at == head {
		return snap.pieces, true
	}
	return snap.open, false
}

// piece is one snapshot frame with its newline, and where it brings a replica.
type piece struct {
	line []byte
	to   topics.Version
}

func newSnapshots(e *Engine) *snapshots {
	s := &snapshots{engine: e}
	kept, err := simplelru.NewLRU(1<<20, func(_ store.Topic, gone *snapshot) { s.bytes -= gone.bytes })
	if err != nil {
		panic("statesync: " + err.Error())
	}
	s.kept = kept
	return s
}

// get returns a snapshot from which a cursor can go on through the tail, making one
// if there is none; nil when the topic is too large to keep or cannot be read: then
// the cursor reads the store itself.
func (s *snapshots) get(ctx context.Context, t *topic) *snapshot {
	if snap := s.find(t); snap != nil {
		return snap.unlessTooLarge()
	}
	made, err, _ := s.build.Do(t.key.String(), func() (any, error) {
		if snap := s.find(t); snap != nil {
			return snap, nil
		}
		return s.make(ctx, t.key)
	})
	if err != nil {
		return nil
	}
	snap, _ := made.(*snapshot)
	if !t.continues(snap) {
		return nil
	}
	s.keep(t.key, snap)
	return snap.unlessTooLarge()
}

// unlessTooLarge is nil for a snapshot that only says that its topic is too large:
// keeping that saves the next joiner the attempt.
func (snap *snapshot) unlessTooLarge() *snapshot {
	if len(snap.pieces) == 0 {
		return nil
	}
	return snap
}

func (s *snapshots) find(t *topic) *snapshot {
	s.mu.Lock()
	snap, ok := s.kept.Get(t.key)
	s.mu.Unlock()
	if !ok || !t.continues(snap) {
		return nil
	}
	return snap
}

func (s *snapshots) keep(key store.Topic, snap *snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.kept.Peek(key); ok {
		if old == snap {
			return
		}
		s.kept.Remove(key)
	}
	s.kept.Add(key, snap)
	s.bytes += snap.bytes
	for s.bytes > s.engine.limits.SnapshotBytes {
		s.kept.RemoveOldest()
	}
}

// continues reports whether a cursor that has been given snap is inside the tail.
func (t *topic) continues(snap *snapshot) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.loaded && snap.at.Epoch == t.head.Epoch && snap.at.Version <= t.head.Version && snap.at.Version >= t.tail.start
}

// make reads and encodes a whole run from 0. One that is more than a quarter of
// what all may take is not kept.
func (s *snapshots) make(ctx context.Context, key store.Topic) (*snapshot, error) {
	snap := &snapshot{}
	r := frame.Run{Topic: key.Name, More: true}
	var as store.Timestamp
	for r.More {
		page, err := s.engine.store.Last(ctx, key, r.From, as, store.Budget{Bytes: s.engine.limits.TurnBytes})
		if err != nil {
			return nil, err
		}
		as, snap.at = page.At, page.Head.Position
		r.Epoch, r.Target, r.To, r.More = page.Head.Epoch, page.Head.Version, page.Head.Version, page.More
		if page.More {
			r.To = page.Events[len(page.Events)-1].Version
		}
		line := append(frame.AppendSnapshot(nil, r, page.Events), '\n')
		if snap.bytes += len(line); snap.bytes > s.engine.limits.SnapshotBytes/4 {
			return &snapshot{at: snap.at}, nil
		}
		snap.pieces = append(snap.pieces, piece{line: line, to: r.To})
		if !r.More {
			last := r
			last.More = true
			snap.open = append(slices.Clone(snap.pieces[:len(snap.pieces)-1]), piece{line: append(frame.AppendSnapshot(nil, last, page.Events), '\n'), to: r.To})
			snap.bytes += len(line)
		}
		r.From = r.To
	}
	return snap, nil
}
