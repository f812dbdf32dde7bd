package statesync

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lockstep-sync/lockstep/store/memory"
)

const followGifts = `{"type":"subscribe","topics":[{"topic":"gift-list:1","presence":true}],"client":%q}`

// A signal reaches everybody else who follows the topic, and is dropped first when
// a reader is behind (P9).
func TestSignals(t *testing.T) {
	h := newHouse(t, Limits{Signals: 2})
	alice, bob := h.open("alice", FormFrames), h.open("bob", FormFrames)
	alice.say(`{"type":"signal","topic":"gift-list:1","event":"typing"}`)
	alice.want(`"code":"invalid","field":"topic","message":"gift-list:1 is not subscribed; subscribe first"`)
	alice.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	bob.say(`{"type":"subscribe","topics":["gift-list:1"]}`)
	alice.drain()
	bob.drain()
	for i := range 3 {
		alice.say(fmt.Sprintf(`{"type":"signal","topic":"gift-list:1","event":"typing","payload":%d}`, i))
	}
	bob.want(`{"type":"signal","topic":"gift-list:1","event":"typing","payload":1,"user_id":"alice"}`, `"payload":2`)
	alice.want()
	if n := testutil.ToFloat64(h.engine.metrics.bounds.WithLabelValues("signals")); n != 1 {
		t.Errorf("%v signals counted as dropped, want 1", n)
	}
}

// Presence is last-value-wins per client; it outlives a reconnect, and ends ten
// seconds after the last session.
func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Options{Store: memory.New(memory.Options{}), Limits: Limits{PresenceMembers: 2}})
		h := &house{t: t, engine: e}
		bob := h.open("bob", FormFrames)
		bob.say(fmt.Sprintf(followGifts, "b"))
		bob.await(`{"type":"presence","topic":"gift-list:1","members":[],"left":[],"count":0,"full":true}`)
		here := func() *reader {
			alice := h.open("alice", FormFrames)
			alice.say(fmt.Sprintf(followGifts, "a"), `{"type":"presence","topic":"gift-list:1","state":{"at":"g1"}}`)
			return alice
		}
		alice := here()
		bob.want(`"members":[{"user_id":"alice","client":"a","state":{"at":"g1"}}],"left":[],"count":1`)
		alice.say(`{"type":"presence","topic":"gift-list:1","state":1}`, `{"type":"presence","topic":"gift-list:1","state":2}`)
		bob.want(`"members":[{"user_id":"alice","client":"a","state":2}]`)
		alice.session.Close()
		alice = here()
		bob.want(`"state":{"at":"g1"}`)
		alice.session.Close()
		bob.want()
		bob.await(`"left":[{"user_id":"alice","client":"a"}],"count":0`)
		for _, user := range []string{"u1", "u2", "u3"} {
			h.open(user, FormFrames).say(fmt.Sprintf(followGifts, user), `{"type":"presence","topic":"gift-list:1","state":1}`)
		}
		bob.want(`"members":[],"left":[],"count":3`)
		bob.say(`{"type":"presence","topic":"gift-list:1","state":"` + strings.Repeat("x", 5000) + `"}`)
		bob.want(`"code":"too_large","field":"state"`)
		if err := e.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}
