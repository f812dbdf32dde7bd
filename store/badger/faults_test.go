package badger

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

var errInjected = errors.New("injected")

// breaker fails one storage call, by its number, before or after it was done.
type breaker struct {
	at    int64 // 0: none
	after bool
	calls atomic.Int64
	names []string // of the calls, in order; owned by the test, which appends one at a time
}

func (b *breaker) call(name string, do func() error) error {
	n := b.calls.Add(1)
	b.names = append(b.names, name)
	if n == b.at && !b.after {
		return errInjected
	}
	err := do()
	if n == b.at {
		return errInjected
	}
	return err
}

func (b *breaker) seams() seams {
	return seams{
		identify: anyOwner,
		commit: func(txn *bdg.Txn, ts uint64) error {
			return b.call("commit", func() error { return txn.CommitAt(ts, nil) })
		},
		ledger: func(f ledgerFile) ledgerFile { return brokenLedger{f, b} },
	}
}

type brokenLedger struct {
	ledgerFile
	b *breaker
}

func (l brokenLedger) WriteAt(p []byte, at int64) (n int, err error) {
	err = l.b.call("ledger write", func() error { n, err = l.ledgerFile.WriteAt(p, at); return err })
	return n, err
}

func (l brokenLedger) Sync() error { return l.b.call("ledger sync", l.ledgerFile.Sync) }

// script makes commits until one fails, and says which versions were acknowledged.
func script(s *Store) (acked [3]topics.Version, failed store.Commit, at store.Topic, err error) {
	for step := range 12 {
		topic := fixtureTopic(step % 3)
		c, err := row(s, topic, fmt.Sprint("e", step%4), fmt.Sprint("value", step))
		if err != nil {
			return acked, c, topic, err
		}
		h, err := s.Append(s.background(), topic, c)
		if err != nil {
			return acked, c, topic, err
		}
		acked[step%3] = h.Version
	}
	return acked, store.Commit{}, store.Topic{}, nil
}

// TestFailEveryCall fails the n-th storage call of a script for every n, before and
// after it took effect. The answer is that the outcome is unknown, nothing more is
// taken, and after reopening either the commit is there with its outcome or it is
// not there at all: a resend finds out by its lane (P3, P12).
func TestFailEveryCall_P3_P12(t *testing.T) {
	var count breaker
	s := openAt(t, Options{Dir: t.TempDir(), seams: count.seams()})
	opening := count.calls.Load()
	if _, _, _, err := script(s); err != nil {
		t.Fatal(err)
	}
	total := count.calls.Load()
	applied, lost := 0, 0
	for n := opening + 1; n <= total; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("call=%d,after=%v", n, after), func(t *testing.T) {
				if failOne(t, n, after) {
					applied++
				} else {
					lost++
				}
			})
		}
		if testing.Short() {
			n += 4
		}
	}
	t.Logf("%d calls failed before and after taking effect: %d commits were there, %d were not", total-opening, applied, lost)
	if applied == 0 || lost == 0 {
		t.Error("both must happen")
	}
}

// failOne reports whether the commit that was not answered turned out to be there.
func failOne(t *testing.T, n int64, after bool) bool {
	b := breaker{at: n, after: after}
	opts := Options{Dir: t.TempDir(), seams: b.seams()}
	s := openAt(t, opts)
	acked, failed, topic, err := script(s)
	if !errors.Is(err, store.ErrOutcomeUnknown) || !errors.Is(err, errInjected) {
		t.Fatalf("the failing append: %v; want ErrOutcomeUnknown because of the injected one", err)
	}
	for i := range 3 {
		c, err := row(s, fixtureTopic(i), "x", "y")
		if err != nil {
			t.Fatalf("reads go on: %v", err)
		}
		if _, err := s.Append(t.Context(), fixtureTopic(i), c); !errors.Is(err, store.ErrOutcomeUnknown) {
			t.Fatalf("an append after it: %v; want ErrOutcomeUnknown", err)
		}
	}
	if err := s.Delete(t.Context(), topic); !errors.Is(err, store.ErrOutcomeUnknown) {
		t.Fatalf("a delete after it: %v; want ErrOutcomeUnknown", err)
	}
	_ = s.Close()
	return settle(t, opts.Dir, acked, failed, topic)
}

// settle reopens and finds out what happened, as a resend would.
func settle(t *testing.T, dir string, acked [3]topics.Version, failed store.Commit, topic store.Topic) bool {
	s := openAt(t, Options{Dir: dir, seams: seams{identify: anyOwner}})
	for i, version := range acked {
		h, err := s.Head(t.Context(), fixtureTopic(i))
		if err != nil || h.Version < version {
			t.Fatalf("topic %d is at %d (%v); %d was acknowledged", i, h.Version, err, version)
		}
	}
	if report, err := s.Check(t.Context()); err != nil || len(report.Damage)+len(report.Orphans) > 0 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	want := failed.Outcomes[0]
	lane, err := s.Lane(t.Context(), topic, want.Lane)
	if err != nil {
		t.Fatal(err)
	}
	got, there := lane.Find(want.Seq)
	h, err := s.Head(t.Context(), topic)
	if err != nil || there != (h.Version == failed.Events[0].Version) {
		t.Fatalf("the outcome is there: %v; the head is at %d (%v): half a commit", there, h.Version, err)
	}
	if there && got != want.Outcome {
		t.Fatalf("the outcome is %+v; want %+v", got, want.Outcome)
	}
	if !there { // the resend
		if _, err := s.Append(t.Context(), topic, failed); err != nil {
			t.Fatalf("the resend: %v", err)
		}
	}
	return there
}

// TestQuarantine: a damaged record closes its topic, by name and version, and no
// other; Check finds all of them (P12).
func TestQuarantine_P12(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, Options{Dir: dir})
	fill(t, s)
	flip := func(b []byte) []byte { b[len(b)/2] ^= 4; return b }
	spoil(t, s, 0, at(t, s, 0, kindLog, 17), flip)
	spoil(t, s, 1, at(t, s, 1, kindLog, 25), func([]byte) []byte { return nil })
	spoil(t, s, 3, at(t, s, 3, kindLast, 30), func(b []byte) []byte { // a record from elsewhere, whole in itself
		return seal(at(t, s, 3, kindLast, 29), kindLog, b[2:len(b)-4]...)
	})
	wantDamage := func(n int, v topics.Version) {
		t.Helper()
		topic := fixtureTopic(n)
		h, _ := s.viewAt(s.newest).head(topic)
		_, readErr := s.Read(t.Context(), topic, h.Retention, store.Budget{})
		_, lastErr := s.Last(t.Context(), topic, 0, 0, store.Budget{})
		var damage *store.DamageError
		if !errors.As(errors.Join(readErr, lastErr), &damage) || damage.Version != v || damage.Topic != topic {
			t.Fatalf("topic %d: %v, %v; want damage at version %d", n, readErr, lastErr, v)
		}
		if _, err := s.Append(t.Context(), topic, store.Commit{Prev: h.Position}); !errors.As(err, &damage) {
			t.Errorf("append to a damaged topic: %v", err)
		}
		if !strings.Contains(damage.Error(), string(topic.Name)) {
			t.Errorf("%q does not name the topic", damage)
		}
	}
	wantDamage(0, 17)
	wantDamage(1, 25)
	wantDamage(3, 30)
	putRow(t, s, fixtureTopic(4), "e1", "goes on")
	report, err := s.Check(t.Context())
	if err != nil || len(report.Damage) != 3 {
		t.Errorf("check found %v (%v); want the three", report.Damage, err)
	}
	if report.Topics != fixtureTopics || report.Rows == 0 || report.Events == 0 {
		t.Errorf("check looked at %+v", report)
	}
}
