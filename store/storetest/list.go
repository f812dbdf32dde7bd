package storetest

import (
	"slices"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// topicsInOrder: every topic with commits is listed once, by tenant and then name,
// whatever the size of the pages; one that was deleted is not.
func topicsInOrder(t *testing.T, s *harness) {
	var want []store.Topic
	for _, tenant := range []topics.Tenant{"a", "a-", "b"} {
		for _, name := range []topics.Name{"t:a", "t:a.a", "t:b", "u:a"} {
			m := s.open(t, store.Topic{Tenant: tenant, Name: name})
			s.put(t, m, put("x", "1"))
			if name == "t:b" {
				s.delete(t, m)
				continue
			}
			want = append(want, m.topic)
		}
	}
	s.open(t, topicNamed("nobody-wrote"))
	for _, most := range []int{1, 2, 4, 100} {
		var got []store.Topic
		var after store.Topic
		for {
			page, err := s.Store.Topics(s.ctx(), after, most)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > most {
				t.Fatalf("a page has %d topics; at most %d", len(page), most)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d list\n%v; want\n%v", most, got, want)
		}
	}
}
