package horizon

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever was the newest commit within the last life is at or above the horizon,
// the horizon never falls, it follows in the end, and what is remembered is bounded.
func TestHorizon(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := Horizon{Life: time.Minute}
		now := time.Unix(1_700_000_000, 0)
		type moment struct {
			at     time.Time
			newest uint64
		}
		var past []moment
		commit, last := uint64(1), uint64(0)
		h.Note(now, commit)
		past = append(past, moment{now, commit})
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "ms")) * time.Millisecond)
			past = append(past, moment{now, commit}) // a timestamp may be handed out just before
			commit++
			h.Note(now, commit)
			past = append(past, moment{now, commit})
			got := h.At(now)
			if got < last {
				rt.Fatalf("the horizon fell from %d to %d", last, got)
			}
			last = got
			for _, m := range past {
				if now.Sub(m.at) < h.Life && m.newest < got {
					rt.Fatalf("commit %d, newest %v ago, is below the horizon %d", m.newest, now.Sub(m.at), got)
				}
			}
			if len(h.marks) > int(h.Life/grain)+2 {
				rt.Fatalf("%d moments are remembered", len(h.marks))
			}
		}
		if got := h.At(now.Add(2 * h.Life)); got+1 < commit && len(h.marks) > 1 {
			rt.Fatalf("long after, the horizon is %d of %d", got, commit)
		}
	})
}
