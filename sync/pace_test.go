package statesync

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// A subscription with max_rate is brought up to date so often at most: at once after a
// silence, and then in one frame per pause, conflated. It ends with what everybody has
// (P5, P7, P10).
func TestMaxRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Limits{})
		h.do(put("a", `0`))
		s := h.open("alice", FormFrames)
		s.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":2}]}`)
		replica := client.NewReplica()
		feed(t, replica, s.drain())
		pass(time.Second)
		begun, brought := time.Now(), []time.Duration{}
		for i := range 100 { // one each 20 ms
			h.do(put("a", fmt.Sprint(i+1)))
			h.do(put(fmt.Sprintf("b%d", i), `1`))
			pass(20 * time.Millisecond)
			for _, line := range s.drain() {
				brought = append(brought, time.Since(begun))
				if n := strings.Count(line, `"entity_id":"a"`); n != 1 {
					t.Errorf("a comes %d times in %s", n, line)
				}
				feed(t, replica, []string{line})
			}
		}
		if len(brought) != 4 { // at 0, 0.5, 1 and 1.5 s; looked at every 20 ms
			t.Errorf("it is brought up to date at %v", brought)
		}
		s.catchUp(replica, gifts)
		h.same(replica, nil)
		pass(time.Minute)
		h.do(put("a", `"at once"`))
		s.want(`"payload":"at once"`)
		if n := len(h.engine.pacer.waiting); n != 0 {
			t.Errorf("%d cursors wait, with nothing behind", n)
		}
	})
}

// Several commits that supersede nothing make one frame too, which leaves nothing out.
func TestMaxRateMakesOneFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Limits{})
		s := h.open("alice", FormFrames)
		s.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":1,"deltas":true}]}`)
		s.drain()
		h.do(put("a", `{}`))
		h.do(put("b", `{}`))
		s.want()
		pass(time.Second)
		for _, line := range s.await(`"from":0,"to":2`) {
			if strings.Contains(line, "conflated") {
				t.Errorf("nothing is left out of %s", line)
			}
		}
		h.do(merge("a", `{"n":1}`))
		pass(time.Second)
		if lines := s.drain(); len(lines) != 1 || !isDelta(lines[0]) {
			t.Errorf("a single commit is a delta; got\n%s", strings.Join(lines, "\n"))
		}
	})
}

// What has been begun is brought to its end without a pause: a load in pieces, what
// followed a kept snapshot, and a conflated catch-up in pieces (P6).
func TestMaxRateBetweenStatesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tail := range []int{8, 100} {
			h := newHouse(t, Limits{TurnBytes: 300, TailCommits: tail})
			for i := range 40 {
				h.do(put(fmt.Sprintf("a%02d", i), `"something to read"`))
			}
			for range 2 { // the second time from a kept snapshot, that the topic has moved on from
				s := h.open("alice", FormFrames)
				s.say(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":0.01}]}`)
				replica := client.NewReplica()
				h.same(replica, s.drain())
				for i := range 20 {
					h.do(put(fmt.Sprintf("a%02d", i), fmt.Sprintf(`"again %d"`, h.position().Version)))
				}
				s.want()
				pass(100 * time.Second)
				h.same(replica, s.drain())
				h.do(put("a00", `"once more"`))
			}
		}
	})
}

// same feeds a replica, which has then to show what the server has.
func (h *house) same(r *client.Replica, lines []string) {
	h.t.Helper()
	feed(h.t, r, lines)
	if got, want := shown(r), h.rows(gifts); got != want {
		h.t.Errorf("replica:\n%sserver:\n%s", got, want)
	}
}

// P9: a cursor that has ended waits for nothing.
func TestMaxRateForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Limits{})
		s := h.open("alice", FormFrames)
		waits := func(follow string, want int) {
			t.Helper()
			s.say(follow)
			s.drain()
			h.do(put("a", fmt.Sprint(h.position().Version)))
			s.drain()
			if got := len(h.engine.pacer.waiting); got != want {
				t.Errorf("after %s %d cursors wait, want %d", follow, got, want)
			}
		}
		waits(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":1}]}`, 1)
		waits(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":3}]}`, 1)
		s.session.Rewind(t.Context(), standing(h.position().Epoch, 1))
		s.drain()
		if c := s.session.cursors.of(gifts); c.pace == nil || c.pace.rate != 3 {
			t.Errorf("whoever is rewound keeps its rate; got %+v", c.pace)
		}
		waits(`{"type":"subscribe","topics":["gift-list:1"]}`, 0)
		waits(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":1}]}`, 1)
		s.session.Close()
		if got := len(h.engine.pacer.waiting); got != 0 {
			t.Errorf("%d cursors wait in a session that is closed", got)
		}
	})
}

// Those who wait are woken in their order, each when it is due.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Limits{})
		rates := []float64{50, 1, 10, 0.5, 100, 2}
		readers := make([]*reader, len(rates))
		for i, rate := range rates {
			readers[i] = h.open("alice", FormFrames)
			readers[i].say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","max_rate":%g}]}`, rate))
			readers[i].drain()
		}
		begun := time.Now()
		h.do(put("a", `1`))
		for i, r := range readers {
			r.drain()
			select {
			case <-r.woken: // the commit's
			default:
			}
			go func() {
				<-r.woken
				if got, want := time.Since(begun), time.Duration(float64(time.Second)/rates[i]); got != want {
					t.Errorf("a subscription with max_rate %g is woken after %s, want %s", rates[i], got, want)
				}
			}()
		}
		pass(3 * time.Second)
		for _, r := range readers {
			r.want(`"to":1`)
		}
	})
}

// pass lets time go by in a bubble, and everybody do what is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// standing is where a client says that it is.
func standing(epoch topics.Epoch, version topics.Version) []frame.Standing {
	return []frame.Standing{{Topic: string(gifts), At: &topics.Position{Epoch: epoch, Version: version}}}
}

func (h *house) position() topics.Position {
	h.t.Helper()
	at, err := h.engine.Position(h.t.Context(), identity("server"), gifts)
	if err != nil {
		h.t.Fatal(err)
	}
	return at
}
