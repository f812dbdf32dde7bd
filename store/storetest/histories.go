package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// histories draws random histories of one topic and holds the store to the model
// after them: contiguous log, compaction law for every cut, lanes, counts. A
// failure prints its seed and shrinks.
func histories(t *testing.T, s *harness) {
	var n atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		m := s.open(rt, topicNamed(fmt.Sprint("random", n.Add(1))))
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.IntRange(0, 19).Draw(rt, "step") {
			case 0:
				s.delete(rt, m)
			case 1, 2, 3:
				s.compact(rt, m, drawFloors(rt, m))
			default:
				s.append(rt, m, drawCommit(rt, m))
			}
		}
		s.check(rt, m)
		s.checkLaw(rt, m)
	})
}

func drawFloors(rt *rapid.T, m *model) store.Floors {
	v := rapid.Uint64Range(0, uint64(m.head.Version)+2)
	return store.Floors{
		Retention:  topics.Version(v.Draw(rt, "retention")),
		Tombstones: topics.Version(v.Draw(rt, "tombstones")),
	}
}

// drawCommit makes up to three mutations and the outcomes of their lanes.
func drawCommit(rt *rapid.T, m *model) store.Commit {
	one := rapid.Custom(func(rt *rapid.T) change {
		id := fmt.Sprint("e", rapid.IntRange(0, 6).Draw(rt, "entity"))
		switch rapid.IntRange(0, 5).Draw(rt, "kind") {
		case 0:
			return custom("c")
		case 1, 2:
			return del(id)
		default:
			return put(id, fmt.Sprint(rapid.Byte().Draw(rt, "payload")))
		}
	})
	c := m.commit(rapid.SliceOfN(rapid.SliceOfN(one, 1, 4), 0, 3).Draw(rt, "mutations")...)
	end := m.head.Version + topics.Version(len(c.Events))
	next := map[store.LaneKey]uint64{}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 2), 0, 5).Draw(rt, "lanes") {
		lane := store.LaneKey{User: "u", Client: fmt.Sprint("c", n)}
		if next[lane] == 0 {
			next[lane] = m.lanes[lane].Last() + 1
		}
		c.Outcomes = append(c.Outcomes, store.LaneOutcome{Lane: lane, Outcome: outcome(next[lane], end)})
		next[lane]++
	}
	return c
}
