package remote_test

import (
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
)

// The bound of each wait doubles up to the most there is; the wait is random below
// it, and never less than the server asked for.
func TestBackoff(t *testing.T) {
	for name, tc := range map[string]struct {
		random float64
		asked  time.Duration
		want   []time.Duration
	}{
		"the longest":   {1, 0, []time.Duration{1, 2, 4, 8, 10, 10}},
		"in the middle": {0.5, 0, []time.Duration{0, 1, 2, 4, 5, 5}},
		"the shortest":  {0, 0, []time.Duration{0, 0, 0}},
		"when asked":    {1, 7, []time.Duration{8, 9, 11}},
	} {
		b := remote.Backoff{First: 1, Most: 10, Random: func() float64 { return tc.random }}
		for range 2 { // the second time after a success
			for i, want := range tc.want {
				if got := b.Next(tc.asked); got != want {
					t.Errorf("%s: wait %d is %d, want %d", name, i, got, want)
				}
			}
			b.Reset()
		}
	}
	b := remote.Backoff{First: time.Second, Most: time.Minute, Random: func() float64 { return 1 }}
	for range 200 {
		if wait := b.Next(0); wait <= 0 || wait > time.Minute {
			t.Fatalf("a wait of %s", wait)
		}
	}
}
