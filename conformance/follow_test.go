package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

const followed = topics.Name("gift-list:1")

// A client in another language, written from SPEC.md alone, follows a topic through
// restarts, compaction and deletion, and ends with the server's rows (P5, P7).
func TestPythonFollower(t *testing.T) {
	python := python3(t)
	if text, err := os.ReadFile("examples/follow.py"); err != nil || bytes.Count(text, []byte{'\n'}) >= 100 {
		t.Errorf("the example has 100 lines or more, or cannot be read: %v", err)
	}
	h := newHouse(t)
	h.start()
	out, done := h.follow(python)
	rounds := 8
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		h.write(5 + h.rand.IntN(20)) // while it listens
		if h.rand.IntN(2) == 0 {
			h.stop()
		} else {
			h.cut()
		}
		h.open()
		h.write(30 + h.rand.IntN(60)) // while nobody can hear
		switch round % 4 {
		case 1, 2:
			h.compact()
		case 3:
			h.delete()
			h.write(3)
		}
		h.listen()
		h.await(round)
	}
	h.finish(out, done)
	h.stop()
	for _, reason := range []string{"floor", "epoch"} {
		if !bytes.Contains(h.said, []byte(`"reason":"`+reason+`"`)) {
			t.Errorf("nobody was told to start over because of %s; the test does not reach what it is about", reason)
		}
	}
}

// A replica that has seen the topic empty has loaded nothing yet (S-5): what it comes
// back to is a snapshot.
func TestPythonFollowerOfAnEmptyTopic(t *testing.T) {
	h := newHouse(t)
	h.start()
	out, done := h.follow(python3(t))
	h.await(0)
	h.cut()
	h.open()
	h.write(40)
	h.shut() // nothing of it is in memory when it is asked for
	h.open()
	h.listen()
	h.finish(out, done)
	h.stop()
}

// finish writes the row that the follower waits for, and compares what it printed.
func (h *house) finish(out *bytes.Buffer, done <-chan error) {
	h.t.Helper()
	h.mutate(topics.Change{EntityID: "end", Payload: json.RawMessage(`true`)})
	select {
	case err := <-done:
		if err != nil {
			h.t.Fatalf("the follower ended with %v\n%s", err, out)
		}
	case <-time.After(3 * patient):
		h.t.Fatal("the follower does not come to the end")
	}
	var got any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		h.t.Fatalf("the follower printed %s", out)
	}
	if want := h.rows(); !reflect.DeepEqual(got, want) {
		h.t.Errorf("the follower has\n%v\nthe server\n%v", got, want)
	}
}

// house is a server over one directory, which can be stopped and started again on
// the same port.
type house struct {
	t    *testing.T
	rand *rand.Rand
	dir  string
	addr string

	store  *badger.Store
	engine *statesync.Engine
	server *server.Server
	http   *http.Server
	polled chan struct{} // a token for each poll that was answered

	mu   sync.Mutex
	said []byte // what was answered; guarded by mu
}

// eavesdropper keeps what an answer says.
type eavesdropper struct {
	http.ResponseWriter
	h *house
}

// Unwrap lets deadlines through.
func (e eavesdropper) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func (e eavesdropper) Write(p []byte) (int, error) {
	e.h.mu.Lock()
	e.h.said = append(e.h.said, p...)
	e.h.mu.Unlock()
	return e.ResponseWriter.Write(p)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &house{t: t, rand: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), addr: "127.0.0.1:0", polled: make(chan struct{}, 1)}
}

func (h *house) start() {
	h.open()
	h.listen()
}

// open opens the store, whose history is kept short.
func (h *house) open() {
	h.t.Helper()
	var err error
	if h.store, err = badger.Open(badger.Options{Dir: h.dir, MinFree: -1}); err != nil {
		h.t.Fatal(err)
	}
	h.engine = statesync.New(statesync.Options{Store: h.store, Retention: func(string) statesync.Retention {
		return statesync.Retention{Events: 10, Age: time.Nanosecond, Tombstones: time.Nanosecond}
	}})
}

func (h *house) listen() {
	h.t.Helper()
	h.server = server.New(server.Options{Engine: h.engine, Authenticator: server.DevAuth{}, Limits: server.Limits{DrainWindow: time.Millisecond}})
	listener, err := net.Listen("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.addr = listener.Addr().String()
	answer := h.server.Handler()
	h.http = h.server.HTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer.ServeHTTP(eavesdropper{w, h}, r)
		select {
		case h.polled <- struct{}{}:
		default:
		}
	}))
	go func() { _ = h.http.Serve(listener) }()
}

// stop ends everything in order, as a restart does.
func (h *house) stop() {
	h.t.Helper()
	h.end(h.server.Drain, h.http.Shutdown)
}

// cut ends everything with every line broken, in the middle of an answer or not, as a
// killed server does; see cmd/lockstep for one that is.
func (h *house) cut() {
	h.t.Helper()
	h.end(func(context.Context) error { return h.http.Close() }, h.server.Drain)
}

func (h *house) end(first, second func(context.Context) error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for _, end := range []func(context.Context) error{first, second} {
		if err := end(ctx); err != nil {
			h.t.Fatal(err)
		}
	}
	h.shut()
}

// shut closes what open has opened.
func (h *house) shut() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := errors.Join(h.engine.Close(ctx), h.store.Close()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) identity() statesync.Identity {
	return statesync.Identity{Tenant: topics.DefaultTenant, User: "writer", Grants: statesync.AllowAll{}}
}

func (h *house) mutate(changes ...topics.Change) {
	h.t.Helper()
	a, err := h.engine.Mutate(h.t.Context(), h.identity(), topics.Mutation{Topic: followed, Changes: changes})
	if err != nil || a.Reject != nil {
		h.t.Fatal(err, a.Reject)
	}
}

// write makes so many mutations of one to three changes, on few rows.
func (h *house) write(n int) {
	h.t.Helper()
	for i := range n {
		var changes []topics.Change
		for range 1 + h.rand.IntN(3) {
			c := topics.Change{EntityID: fmt.Sprintf("g%d", h.rand.IntN(12)), Payload: json.RawMessage(fmt.Sprintf(`{"n":%d}`, h.rand.IntN(1000)))}
			switch h.rand.IntN(5) {
			case 0:
				c.Op, c.Payload = topics.OpDelete, nil
			case 1:
				c.Op, c.Event = topics.OpNone, fmt.Sprintf("tick.%d", i)
			}
			changes = append(changes, c)
		}
		h.mutate(changes...)
	}
}

func (h *house) compact() {
	h.t.Helper()
	if err := h.engine.Compact(h.t.Context(), store.Topic{Tenant: topics.DefaultTenant, Name: followed}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) delete() {
	h.t.Helper()
	if err := h.engine.Delete(h.t.Context(), h.identity(), followed); err != nil {
		h.t.Fatal(err)
	}
}

// await waits until a poll was answered, so that the follower is there when the
// server goes.
func (h *house) await(round int) {
	h.t.Helper()
	select {
	case <-h.polled:
	case <-time.After(3 * patient):
		h.t.Fatalf("round %d: nobody polls", round)
	}
}

func (h *house) follow(python string) (*bytes.Buffer, <-chan error) {
	h.t.Helper()
	out, done := new(bytes.Buffer), make(chan error, 1)
	cmd := exec.CommandContext(h.t.Context(), python, "examples/follow.py", "http://"+h.addr, string(followed), "--until", "end")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() { done <- cmd.Wait() }()
	return out, done
}

// rows are the server's, by the Go replica.
func (h *house) rows() any {
	h.t.Helper()
	page, err := h.engine.Snapshot(h.t.Context(), h.identity(), followed, 0, "")
	if err != nil {
		h.t.Fatal(err)
	}
	r := client.NewReplica()
	r.Apply(readFrame(h.t, page.Frame))
	rows := make(map[string]any)
	for id, row := range r.Rows() {
		var v any
		if err := json.Unmarshal(row.Payload, &v); err != nil {
			h.t.Fatal(err)
		}
		rows[id] = v
	}
	return rows
}

func python3(t *testing.T) string {
	t.Helper()
	return testdata.Program(t, "install Python 3 to run the example", "python3")
}
