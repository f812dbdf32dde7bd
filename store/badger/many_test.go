package badger_test

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/topics"
)

var manyTopics = flag.Int("many", 20_000, "how many topics TestManyTopics puts on disk")

// A topic that nobody uses costs nothing but its bytes on disk: many of them open
// quickly (-many 1000000 for the full size; the time is logged), each is found, and
// all are listed.
func TestManyTopics(t *testing.T) {
	if testing.Short() {
		t.Skip("writes many topics")
	}
	dir := t.TempDir()
	s := open(t, badger.Options{Dir: dir})
	nameOf := func(i int) store.Topic {
		return store.Topic{Tenant: "many", Name: topics.Name(fmt.Sprintf("list:%07d", i))}
	}
	const writers = 256
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < *manyTopics; i += writers {
				head, err := s.Head(t.Context(), nameOf(i))
				if err == nil {
					_, err = s.Append(t.Context(), nameOf(i), store.Commit{Prev: head.Position, Millis: 1, Events: []store.Event{{
						Version: 1, End: 1, Kind: store.KindRow, EntityID: "x", JSON: []byte(`{"payload":1}`),
						Data: store.Span{Start: 0, End: 13}, Payload: store.Span{Start: 11, End: 12}, Millis: 1,
					}}})
				}
				if err != nil {
					t.Errorf("%s: %v", nameOf(i), err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	s = open(t, badger.Options{Dir: dir})
	t.Logf("%d topics opened in %v", *manyTopics, time.Since(begun))
	defer s.Close()
	found := 0
	for after := (store.Topic{}); ; {
		list, err := s.Topics(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		found, after = found+len(list), list[len(list)-1]
		if head, err := s.Head(t.Context(), after); err != nil || head.Version != 1 {
			t.Fatalf("%s: %+v, %v", after, head, err)
		}
	}
	if found != *manyTopics {
		t.Errorf("%d topics are listed, want %d", found, *manyTopics)
	}
}
