package badger_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/topics"
)

var (
	crashCycles = flag.Int("crash.cycles", 10, "how often TestCrash kills its child; fewer with -short")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of TestCrash; 0: random")
)

const (
	envCrashDir  = "LOCKSTEP_CRASH_DIR"
	crashTopics  = 12
	crashWriters = 12
)

// TestCrash kills a writing process again and again and opens what it left: nothing
// acknowledged is missing, no version has other content, no commit is partial, and
// every lane answers a resend with the original outcome (P1 to P4).
func TestCrash_P1_P2_P3_P4(t *testing.T) {
	if dir := os.Getenv(envCrashDir); dir != "" {
		crashChild(dir)
		return
	}
	cycles, seed := *crashCycles, *crashSeed
	if testing.Short() {
		cycles = min(cycles, 3)
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	acked := map[string]string{} // "topic version" → what was acknowledged there
	total, epochs := 0, map[string]topics.Epoch{}
	for cycle := range cycles {
		lines := runUntilKilled(t, dir, time.Duration(20+rng.IntN(400))*time.Millisecond)
		for _, line := range lines {
			at, what, _ := strings.Cut(line, "=")
			if old, twice := acked[at]; twice && old != what {
				t.Fatalf("cycle %d: %s was acknowledged as %s and as %s", cycle, at, old, what)
			}
			acked[at] = what
			total++
		}
		s := open(t, badger.Options{Dir: dir})
		checkAfterCrash(t, s, acked, epochs)
		closeStore(t, s)
		if t.Failed() {
			t.Fatalf("cycle %d", cycle)
		}
	}
	t.Logf("%d cycles, %d acknowledged events", cycles, total)
	if total == 0 {
		t.Error("nothing was acknowledged: the test proves nothing")
	}
}

// runUntilKilled lets a child write for a while after its first answer, kills it,
// and returns what it said it had been told.
func runUntilKilled(t *testing.T, dir string, after time.Duration) []string {
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrash_P1_P2_P3_P4$")
	cmd.Env = append(os.Environ(), envCrashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	var acks []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if ack, ok := strings.CutPrefix(lines.Text(), "ack "); ok {
			acks = append(acks, ack)
			kill.Do(func() { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) })
		}
	}
	_ = cmd.Wait() // killed
	return acks
}

// crashChild writes until it is killed. Each line is one write(2), so that an
// acknowledgement that was printed was received.
func crashChild(dir string) {
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	var all sync.WaitGroup
	for w := range crashWriters {
		all.Go(func() {
			for n := 0; ; n++ {
				line, err := crashAppend(s, crashTopic((w+n)%crashTopics), w, n)
				if errors.Is(err, store.ErrConflict) {
					continue
				}
				if err != nil {
					panic(err)
				}
				_, _ = os.Stdout.WriteString(line)
			}
		})
		if w == 0 {
			all.Go(func() { crashCompactor(s) })
		}
	}
	all.Wait()
}

func crashTopic(n int) store.Topic {
	return store.Topic{Tenant: "crash", Name: topics.Name(fmt.Sprint("t:", n))}
}

// crashAppend commits a mutation of one to three changes whose content tells where
// it belongs, and returns the lines that acknowledge it.
func crashAppend(s *badger.Store, topic store.Topic, w, n int) (string, error) {
	ctx := context.Background()
	h, err := s.Head(ctx, topic)
	if err != nil {
		return "", err
	}
	lane := store.LaneKey{User: "u", Client: fmt.Sprint("w", w)}
	known, err := s.Lane(ctx, topic, lane)
	if err != nil {
		return "", err
	}
	c := store.Commit{Prev: h.Position, Millis: int64(n)}
	count := 1 + (n+w)%3
	end := h.Version + topics.Version(count)
	var lines strings.Builder
	nonce := rand.Uint64()
	for i := range count {
		id := fmt.Sprint("e", (n+i)%17, "-", i)
		old, _, err := s.Row(ctx, topic, id)
		if err != nil {
			return "", err
		}
		v := h.Version + topics.Version(i) + 1
		json := fmt.Sprintf(`{"n":%d,"of":%d,"w":%d}`, nonce, end, w)
		c.Events = append(c.Events, store.Event{Version: v, End: end, Kind: store.KindRow, EntityID: id, Replaces: old.Version, JSON: []byte(json)})
		fmt.Fprintf(&lines, "ack %s %d=%s\n", topic, v, json)
	}
	seq := known.Last() + 1
	c.Outcomes = []store.LaneOutcome{{Lane: lane, Outcome: topics.Outcome{Seq: seq, Hash: nonce, Status: topics.StatusApplied, Version: end, Millis: time.Now().UnixMilli()}}}
	h, err = s.Append(ctx, topic, c)
	fmt.Fprintf(&lines, "ack %s %s %d=%d\n", topic, lane.Client, seq, nonce)
	return lines.String(), err
}

// crashCompactor raises floors while others write.
func crashCompactor(s *badger.Store) {
	for n := 0; ; n++ {
		topic := crashTopic(n % 3)
		h, err := s.Head(context.Background(), topic)
		if err != nil {
			panic(err)
		}
		keep := min(h.Version, 500)
		if err := s.Compact(context.Background(), topic, store.Floors{Retention: h.Version - keep, Tombstones: (h.Version - keep) / 2}); err != nil {
			panic(err)
		}
	}
}

func checkAfterCrash(t *testing.T, s *badger.Store, acked map[string]string, epochs map[string]topics.Epoch) {
	t.Helper()
	report, err := s.Check(t.Context())
	if err != nil || len(report.Damage)+len(report.Orphans) > 0 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	found := map[string]string{}
	for n := range crashTopics {
		topic := crashTopic(n)
		h, err := s.Head(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		if old, ok := epochs[topic.String()]; ok && old != h.Epoch {
			t.Errorf("the epoch of %s changed although nothing is missing", topic)
		}
		if h.Version > 0 {
			epochs[topic.String()] = h.Epoch
		}
		page, err := s.Read(t.Context(), topic, h.Retention, store.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			found[fmt.Sprint(topic, " ", e.Version)] = string(e.JSON)
		}
		if k := len(page.Events); k > 0 && page.Events[k-1].End != h.Version {
			t.Errorf("%s ends at %d within a commit that ends at %d (P4)", topic, h.Version, page.Events[k-1].End)
		}
		for v := topics.Version(1); v <= h.Retention; v++ {
			delete(acked, fmt.Sprint(topic, " ", v))
		}
		for w := range crashWriters {
			lane, err := s.Lane(t.Context(), topic, store.LaneKey{User: "u", Client: fmt.Sprint("w", w)})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range lane.Outcomes {
				found[fmt.Sprintf("%s w%d %d", topic, w, o.Seq)] = fmt.Sprint(o.Hash)
			}
			for seq := uint64(1); len(lane.Outcomes) > 0 && seq < lane.Outcomes[0].Seq; seq++ {
				delete(acked, fmt.Sprintf("%s w%d %d", topic, w, seq))
			}
		}
	}
	for at, what := range acked {
		if found[at] != what {
			t.Errorf("acknowledged at %s: %s; found %q (P2, P3)", at, what, found[at])
		}
	}
}
