package statesync

import (
	"sync/atomic"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// metrics counts what the engine does.
type metrics struct {
	applied, unchanged, duplicate, rejected atomic.Uint64
	signalsDropped                          atomic.Uint64
	resyncs                                 map[Reason]*atomic.Uint64 // fixed keys
}

func newMetrics() *metrics {
	return &metrics{resyncs: map[Reason]*atomic.Uint64{
		ReasonEpoch: {}, ReasonAhead: {}, ReasonFloor: {}, ReasonMissed: {},
	}}
}

func (m *metrics) answered(a frame.Answer) {
	switch a.Status {
	case topics.StatusApplied:
		m.applied.Add(1)
	case topics.StatusUnchanged:
		m.unchanged.Add(1)
	case topics.StatusDuplicate:
		m.duplicate.Add(1)
	case topics.StatusRejected:
		m.rejected.Add(1)
	}
}

func (m *metrics) resynced(r Reason) { m.resyncs[r].Add(1) }
