package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// world is one history: everything in it follows from its seed.
type world struct {
	t        testing.TB
	seed     uint64
	rng      *rand.Rand
	census   *census
	verbose  bool
	log      []string // the newest steps, for a failure
	failed   bool
	names    []topics.Name
	entities int
	writes   int
	lossy    bool // single messages are lost and come twice, now
	strict   bool // they never do: a line brings all it is given, or ends

	ledger  *ledger
	disk    *disk
	engine  *statesync.Engine
	options statesync.Options
	peers   []*peer
	fraud   *fraud
	old     []*line // lines that clients have left, with messages still on them
}

func newWorld(t testing.TB, seed uint64, c *census) *world {
	w := &world{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), census: c}
	w.ledger = newLedger(c, w.fail)
	w.strict = w.rng.IntN(3) > 0
	w.lossy = !w.strict
	w.names = []topics.Name{"doc:a", "doc:b"}[:1+w.rng.IntN(2)]
	w.entities = 2 + w.rng.IntN(8)
	w.disk = newDisk(w.ledger, memory.Options{Incarnation: [32]byte{1, byte(seed), byte(seed >> 8), byte(seed >> 16)}})
	w.options = w.chooseOptions()
	w.begin(w.disk)
	window := w.options.Limits.InFlight
	if w.rng.IntN(4) == 0 {
		window *= 2 // a client that does not know the limit
	}
	for i := range 2 + w.rng.IntN(3) {
		w.peers = append(w.peers, newPeer(w, i, window))
	}
	w.fraud = &fraud{w: w}
	return w
}

// chooseOptions makes every bound small, so that it is met.
func (w *world) chooseOptions() statesync.Options {
	pick := func(values ...int) int { return values[w.rng.IntN(len(values))] }
	policy := statesync.Retention{
		Events: uint64(pick(1, 4, 20)), Age: time.Duration(pick(1, 30)) * time.Second,
		Tombstones: time.Duration(pick(1, 30)) * time.Second, Forever: w.rng.IntN(4) == 0,
	}
	warm := pick(1, 10)
	if len(w.names) > 1 {
		warm = 10 // which topic a closing session lets go first is the order of a map
	}
	return statesync.Options{
		Limits: statesync.Limits{
			TurnBytes: pick(200, 600, 3000), TurnFrames: pick(1, 3, 100), TailCommits: pick(1, 3, 20), TailBytes: pick(500, 4000),
			CommitEvents: pick(1, 4, 64), CommitBytes: pick(500, 10_000), InFlight: pick(2, 8, 64), Inbox: pick(3, 12, 100),
			Answers: pick(4, 256, 256, 256, 256, 256), WarmTopics: warm, Lanes: pick(1, 100), PayloadBytes: 300, Changes: 4,
			SnapshotBytes: pick(1, 2000, 100_000),
		},
		Retention: func(string) statesync.Retention { return policy },
		Reopen: func(context.Context) (store.Store, error) {
			w.disk = w.disk.reopened()
			return w.disk, nil
		},
	}
}

// begin starts a server over a store.
func (w *world) begin(d *disk) {
	w.disk = d
	o := w.options
	o.Store = d
	w.engine = statesync.New(o)
	w.engine.Handle("always.fails", func(*statesync.Tx, json.RawMessage) error { return fmt.Errorf("as its name says") })
}

func (w *world) now() time.Time { return time.Now() }

// rest lets every goroutine come to rest.
func (w *world) rest() { synctest.Wait() }

func (w *world) trace(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if w.verbose {
		w.t.Log(line)
	}
	if w.log = append(w.log, line); len(w.log) > 4000 {
		w.log = append([]string(nil), w.log[2000:]...)
	}
}

// fail ends the history and says how to see it again.
func (w *world) fail(format string, args ...any) {
	if w.failed {
		return
	}
	w.failed = true
	last := w.log[max(0, len(w.log)-25):]
	w.t.Errorf("%s\nreplay: go test ./sync/simulation -run TestSimulation -seed %d -v\nbefore it:\n  %s",
		fmt.Sprintf(format, args...), w.seed, strings.Join(last, "\n  "))
}

// stateAt is what the topic was at a position; false where it never was. Version 0 is
// empty in every epoch.
func (w *world) stateAt(topic topics.Name, at topics.Position) (state, bool) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if at.Version == 0 {
		return state{}, true
	}
	life := w.ledger.of(topic).find(at.Epoch)
	if life == nil {
		return nil, false
	}
	s, ok := life.states[at.Version]
	return s, ok
}

// run lives through the history and ends it in peace.
func (w *world) run(steps int) {
	for i := 0; i < steps && !w.failed; i++ {
		w.step()
		w.rest()
	}
	if !w.failed {
		w.settle()
	}
	w.end()
}

// end closes what is open, so that the bubble can.
func (w *world) end() {
	w.disk.openAll(w.rest)
	for _, p := range w.peers {
		if p.line != nil {
			p.line.drop()
		}
	}
	for _, l := range w.old {
		l.drop()
	}
	w.fraud.leave()
	w.rest()
	if err := w.engine.Close(context.Background()); err != nil {
		w.fail("closing the engine: %v", err)
	}
}
