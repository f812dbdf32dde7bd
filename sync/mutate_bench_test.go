package statesync

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/topics"
)

// BenchmarkMutate counts durable mutations of 256 bytes through the whole engine:
// 128 callers with a lane each, over 64 topics or on a hot one. What it is measured
// against is BenchmarkBareBadger in store/badger, in the same run of `make bench`.
func BenchmarkMutate(b *testing.B) {
	for _, shape := range []struct{ callers, topics int }{{1, 1}, {128, 64}, {128, 1}} {
		b.Run(fmt.Sprintf("callers=%d/topics=%d", shape.callers, shape.topics), func(b *testing.B) {
			s, err := badger.Open(badger.Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			e := New(Options{Store: s})
			b.ReportAllocs()
			b.ResetTimer()
			callMutate(b, e, shape.callers, shape.topics)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mutations/s")
			if err := e.Close(b.Context()); err != nil {
				b.Error(err)
			}
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

func callMutate(b *testing.B, e *Engine, callers, topicCount int) {
	value := json.RawMessage(`"` + strings.Repeat("x", 254) + `"`)
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			name := topics.Name(fmt.Sprint("list:", caller%topicCount))
			for seq := uint64(1); left.Add(-1) >= 0; seq++ {
				id := fmt.Sprint("row-", caller, "-", seq%100)
				a, err := e.Mutate(b.Context(), identity("bench"), topics.Mutation{
					Topic: name, Client: fmt.Sprint("c", caller), Seq: seq,
					Changes: []topics.Change{{EntityID: id, Payload: append(json.RawMessage(fmt.Sprintf(`[%d,`, seq)), append(value, ']')...)}},
				})
				if err != nil || a.Status != topics.StatusApplied {
					b.Errorf("%+v, %v", a, err)
					return
				}
			}
		})
	}
	all.Wait()
}
