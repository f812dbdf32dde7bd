package replay_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/replay"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

const topic topics.Name = "quakes:week"

var player = statesync.Identity{Tenant: topics.DefaultTenant, User: "player", Grants: statesync.AllowAll{}}

// stage plays the entries in fake time and returns how to end the player and hear its error.
func stage(t *testing.T, entries []replay.Entry) (*statesync.Engine, *replay.Player, func() error) {
	t.Helper()
	engine := statesync.New(statesync.Options{Store: memory.New(memory.Options{})})
	p := replay.New(replay.Options{Engine: engine, Identity: player, Topic: topic, Entries: entries, Speed: 1})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return engine, p, func() error {
		cancel()
		err := <-ended
		if closing := engine.Close(context.Background()); closing != nil {
			t.Error(closing)
		}
		return err
	}
}

func entry(seconds int, id, event, payload string) replay.Entry {
	return replay.Entry{At: then.Add(time.Duration(seconds) * time.Second), EntityID: id, Event: event, Payload: json.RawMessage(payload)}
}

func position(t *testing.T, engine *statesync.Engine) topics.Position {
	t.Helper()
	at, err := engine.Position(t.Context(), player, topic)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPlayer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, p, end := stage(t, []replay.Entry{
			entry(0, "a", "", `{"n":1}`), entry(60, "b", "", `{"n":1}`), entry(90, "a", "STATUS_CHANGED", `{"n":2}`), entry(600, "c", "", `{"n":1}`),
		})
		expect := func(replayed int, version topics.Version, done bool) {
			t.Helper()
			synctest.Wait()
			got := p.Progress()
			if got.Replayed != replayed || got.Done != done || got.Total != 4 {
				t.Errorf("progress is %+v, want %d replayed, done %t", got, replayed, done)
			}
			if at := position(t, engine).Version; at != version {
				t.Errorf("the topic is at %d, want %d", at, version)
			}
		}
		expect(1, 1, false)
		time.Sleep(61 * time.Second)
		expect(2, 2, false)
		time.Sleep(30 * time.Second)
		expect(3, 3, false)
		if err := p.SetSpeed(3600); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		expect(4, 4, true)

		before := position(t, engine).Epoch
		if err := p.SetSpeed(1); err != nil {
			t.Error(err)
		}
		p.Restart()
		expect(1, 1, false)
		if after := position(t, engine).Epoch; after == before {
			t.Error("a restart kept the epoch; those who follow would not notice")
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestPlayerRefusesSpeeds(t *testing.T) {
	p := replay.New(replay.Options{})
	for _, speed := range []float64{-1, replay.MaxSpeed + 1, nan()} {
		if err := p.SetSpeed(speed); err == nil || !strings.Contains(err.Error(), "invalid: speed must be") {
			t.Errorf("SetSpeed(%g) = %v", speed, err)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// What the engine refuses for good ends the player with the reason.
func TestPlayerEndsWithItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, end := stage(t, []replay.Entry{entry(0, "a", "", `null`)})
		synctest.Wait()
		if err := end(); err == nil || !strings.Contains(err.Error(), "replay quakes:week: invalid") {
			t.Errorf("got %v", err)
		}
	})
}
