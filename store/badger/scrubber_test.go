package badger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// alarm is a log that tells of its first line at level error.
type alarm struct {
	slog.Handler
	once  sync.Once
	heard chan string
}

func newAlarm() *alarm { return &alarm{Handler: slog.DiscardHandler, heard: make(chan string, 1)} }

func (a *alarm) Enabled(context.Context, slog.Level) bool { return true }

func (a *alarm) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		a.once.Do(func() {
			text := r.Message
			r.Attrs(func(at slog.Attr) bool { text += " " + at.String(); return true })
			a.heard <- text
		})
	}
	return nil
}

// P12: damage that nobody has met is found, reported, and its topic is closed; the
// others go on.
func TestScrubberFindsDamage(t *testing.T) {
	bell := newAlarm()
	s := openAt(t, Options{Dir: t.TempDir(), Scrub: time.Millisecond, Logger: slog.New(bell)})
	fill(t, s)
	spoil(t, s, 3, at(t, s, 3, kindLog, 17), func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
	select {
	case said := <-bell.heard:
		if !strings.Contains(said, "topic=default/list:3") || !strings.Contains(said, "version=17") {
			t.Errorf("the log says %q", said)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the damage was not found")
	}
	var damage *store.DamageError
	if _, err := s.Head(t.Context(), fixtureTopic(3)); !errors.As(err, &damage) || damage.Version != 17 {
		t.Errorf("the damaged topic answers %v", err)
	}
	putRow(t, s, fixtureTopic(4), "e1", "goes on")
}

// P12: what is whole is never called damaged, whatever is written, compacted and
// deleted while it is read through.
func TestScrubbingDisturbsNothing(t *testing.T) {
	s := openAt(t, Options{Dir: t.TempDir(), Scrub: -1})
	fill(t, s)
	var writers sync.WaitGroup
	for n := range fixtureTopics {
		writers.Go(func() {
			for i := range 120 {
				h := putRow(t, s, fixtureTopic(n), fmt.Sprint("e", i%7), fmt.Sprint("again ", i))
				if i%20 == 19 {
					_ = s.Compact(t.Context(), fixtureTopic(n), store.Floors{Retention: h.Version - 5, Tombstones: h.Version - 10})
				}
				if n == 2 && i%50 == 49 {
					_ = s.Delete(t.Context(), fixtureTopic(n))
				}
			}
		})
	}
	written := make(chan struct{})
	go func() {
		writers.Wait()
		close(written)
	}()
	for last := false; !last; {
		select {
		case <-written:
			last = true
		default:
		}
		n, err := s.scrub(0)
		if err != nil || n.damaged+n.leftOut > 0 || n.topics < fixtureTopics-1 {
			t.Fatalf("a pass saw %+v (%v)", n, err)
		}
	}
}
