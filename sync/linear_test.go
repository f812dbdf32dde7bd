package statesync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// plant is a fault put between engine and store on purpose.
type plant func(*memory.Store) store.Store

// site is a server that crashes now and then, over a store that survives.
type site struct {
	plant plant

	mu     sync.RWMutex // read: a call is made; written: the server is replaced
	disk   *memory.Store
	engine *statesync.Engine
	life   context.Context //nolint:containedctx // of the present engine
	crash  context.CancelFunc
	clock  atomic.Int64
	due    chan struct{} // told each time the clock has gone crashEvery ticks
}

// crashEvery is how many calls begin or end between two crashes.
const crashEvery = 80

func newSite(p plant) *site {
	s := &site{plant: p, disk: memory.New(memory.Options{}), due: make(chan struct{}, 100)}
	s.begin()
	return s
}

func (s *site) begin() {
	s.engine = statesync.New(statesync.Options{Store: s.plant(s.disk)})
	s.life, s.crash = context.WithCancel(context.Background())
}

// restart crashes the server: calls under way get no answer, and what they became is
// in the store or is not.
func (s *site) restart(t *testing.T) {
	s.crash()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.engine
	s.disk = s.disk.Reopen()
	s.begin()
	if err := old.Close(t.Context()); err != nil {
		t.Errorf("closing the engine: %v", err)
	}
}

// tick is the next moment.
func (s *site) tick() int64 {
	now := s.clock.Add(1)
	if now%crashEvery == 0 {
		s.due <- struct{}{}
	}
	return now
}

func (s *site) now() (*statesync.Engine, context.Context) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.engine, s.life
}

// worker is a client that makes one call after the other, and sends again what has no
// answer, under the same identity.
type worker struct {
	site *site
	id   int
	rng  *rand.Rand
	seqs map[topics.Name]uint64
	ops  []porcupine.Operation
}

func (w *worker) identity() statesync.Identity {
	return statesync.Identity{Tenant: topics.DefaultTenant, User: fmt.Sprint("user", w.id), Grants: statesync.AllowAll{}}
}

// work makes one call of a random kind and notes when it began and ended.
func (w *worker) work(n int) {
	c := call{topic: topics.Name(fmt.Sprint("doc:", w.rng.IntN(2))), read: w.rng.IntN(3) == 0}
	if !c.read {
		c.id, c.value = fmt.Sprint("e", w.rng.IntN(3)), fmt.Sprintf(`"%d.%d"`, w.id, n)
		if w.rng.IntN(3) == 0 {
			v := topics.Version(w.rng.IntN(20))
			c.ifVersion = &v
		}
	}
	op := porcupine.Operation{ClientId: w.id, Input: c, Call: w.site.tick()}
	if c.read {
		op.Output = w.read(c)
	} else {
		op.Output = w.put(c)
	}
	op.Return = w.site.tick()
	w.ops = append(w.ops, op)
}

func (w *worker) put(c call) result {
	w.seqs[c.topic]++
	m := topics.Mutation{Topic: c.topic, Client: fmt.Sprint("c", w.id), Seq: w.seqs[c.topic], Changes: []topics.Change{{EntityID: c.id, Payload: json.RawMessage(c.value)}}}
	if c.ifVersion != nil {
		m.Changes[0].IfMatch = &topics.Expect{Version: *c.ifVersion}
	}
	for {
		e, life := w.site.now()
		a, err := e.Mutate(life, w.identity(), m)
		switch {
		case a.Reject != nil && a.Reject.Code == topics.CodeGap: // the server has forgotten the lane, as no good one does
			w.seqs[c.topic] = a.Reject.Expected - 1
			return result{}
		case err != nil, a.Reject != nil && a.Reject.Code.Meaning().Retry == topics.RetryLater:
			continue // it has no answer, or nothing was decided: send it again (P3)
		case a.Reject != nil:
			return result{answered: true, status: topics.StatusRejected, code: a.Reject.Code}
		}
		return result{answered: true, status: a.Status, version: a.Version}
	}
}

func (w *worker) read(c call) result {
	e, life := w.site.now()
	page, err := e.Snapshot(life, w.identity(), c.topic, 0, "")
	if err != nil {
		return result{}
	}
	var rows shelf
	frames, err := client.ParseFrames(page.Frame)
	if err != nil {
		panic(err)
	}
	rows.rows = make(map[string]shelved)
	for _, d := range frames[0].Rows {
		rows.rows[d.EntityID] = shelved{string(d.Payload), d.Version}
	}
	return result{answered: true, version: page.Position.Version, rows: rows.text()}
}

// history lets workers work while the server crashes, and returns what they saw.
func history(t *testing.T, seed uint64, p plant, crashes int) []porcupine.Operation {
	s := newSite(p)
	workers := make([]*worker, 4)
	var busy sync.WaitGroup
	for i := range workers {
		w := &worker{site: s, id: i, rng: rand.New(rand.NewPCG(seed, uint64(i))), seqs: make(map[topics.Name]uint64)}
		workers[i] = w
		busy.Go(func() {
			for n := range 40 {
				w.work(n)
			}
		})
	}
	for range crashes {
		<-s.due
		s.restart(t)
	}
	busy.Wait()
	s.restart(t)
	s.crash()
	if err := s.engine.Close(t.Context()); err != nil {
		t.Error(err)
	}
	var ops []porcupine.Operation
	for _, w := range workers {
		ops = append(ops, w.ops...)
	}
	return ops
}

// P1, P3, P6: whatever clients do at once, and however the server crashes meanwhile,
// each mutation and each read takes effect at one moment while it was under way.
func TestLinearizable(t *testing.T) {
	rounds := uint64(20)
	if testing.Short() {
		rounds = 5
	}
	overlaps := 0
	for seed := range rounds {
		ops := history(t, seed, func(s *memory.Store) store.Store { return slow{s} }, 3)
		overlaps += overlapping(ops)
		if got, _ := porcupine.CheckOperationsVerbose(shelves, ops, 20*time.Second); got != porcupine.Ok {
			t.Fatalf("seed %d: %d calls are %s", seed, len(ops), got)
		}
	}
	if t.Logf("%d calls overlapped", overlaps); overlaps == 0 {
		t.Error("no calls overlapped; the test proves nothing")
	}
}

// overlapping counts the calls that began before an earlier one of another client ended.
func overlapping(ops []porcupine.Operation) (n int) {
	for _, a := range ops {
		for _, b := range ops {
			if a.ClientId != b.ClientId && a.Call < b.Call && b.Call < a.Return {
				n++
			}
		}
	}
	return n
}

// slow is a store that lets others go first, so that calls overlap.
type slow struct{ *memory.Store }

// Append takes its time.
func (s slow) Append(ctx context.Context, t store.Topic, c store.Commit) (store.Head, error) {
	for range 10 {
		runtime.Gosched()
	}
	return s.Store.Append(ctx, t, c)
}

// The same checker finds a read that is behind and a write that is gone.
func TestLinearizableFinds(t *testing.T) {
	for name, p := range map[string]plant{
		"a stale read": func(s *memory.Store) store.Store { return &stale{Store: s} },
		"a lost write": func(s *memory.Store) store.Store { return &forgetful{Store: s} },
	} {
		t.Run(name, func(t *testing.T) {
			ops := history(t, 1, p, 0)
			if got, _ := porcupine.CheckOperationsVerbose(shelves, ops, 20*time.Second); got != porcupine.Illegal {
				t.Errorf("%d calls are %s", len(ops), got)
			}
		})
	}
}

// stale is a store whose twentieth read shows the state of an earlier one.
type stale struct {
	*memory.Store
	mu    sync.Mutex
	reads int
	first map[store.Topic]store.Timestamp
}

// Last is the topic as it was when it was first read, sometimes.
func (s *stale) Last(ctx context.Context, t store.Topic, after topics.Version, at store.Timestamp, b store.Budget) (store.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads++; s.reads%20 == 0 && s.first[t] != 0 {
		at = s.first[t]
	}
	page, err := s.Store.Last(ctx, t, after, at, b)
	if s.first == nil {
		s.first = make(map[store.Topic]store.Timestamp)
	}
	if s.first[t] == 0 {
		s.first[t] = page.At
	}
	return page, err
}

// forgetful is a store that says that its tenth commit with events is durable, and has
// lost it.
type forgetful struct {
	*memory.Store
	mu      sync.Mutex
	commits int
}

// Append is not what it says it is, once.
func (f *forgetful) Append(ctx context.Context, t store.Topic, c store.Commit) (store.Head, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(c.Events) > 0 {
		f.commits++
	}
	if f.commits == 10 {
		f.commits++
		head, err := f.Store.Head(ctx, t)
		head.Version += topics.Version(len(c.Events))
		return head, err
	}
	return f.Store.Append(ctx, t, c)
}
