package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

const ledger topics.Name = "ledger:1"

// writer sends one numbered mutation after the other, each until it is answered.
type writer struct {
	id   string
	lane bool                   // named by client and seq, not by a key
	next int                    // the mutation that is not answered
	acks map[int]topics.Version // by mutation
	all  *atomic.Int64          // acks of all writers
}

// write goes on until the server is gone.
func (w *writer) write(url string) error {
	for {
		version, err := w.post(url, w.next)
		if err != nil {
			return err
		}
		w.acks[w.next] = version
		w.next++
		w.all.Add(1)
	}
}

// errGone says that a request was not answered.
var errGone = errors.New("the server is gone")

// post sends mutation n: two rows and an event between them, so that half a
// mutation, or one applied twice, would show.
func (w *writer) post(url string, n int) (topics.Version, error) {
	count := json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))
	body := map[string]any{"changes": []map[string]any{
		{"entity_id": w.id, "payload": count},
		{"op": "none", "event": "NOTED", "entity_id": w.id, "payload": count},
		{"entity_id": w.id + "-copy", "payload": count},
	}}
	if w.lane {
		body["client"], body["seq"] = w.id, n
	}
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(http.MethodPost, url+"/v1/topics/"+string(ledger)+"/mutations", bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	if !w.lane {
		request.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", w.id, n))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, errGone
	}
	defer response.Body.Close()
	var ack struct {
		Type    string         `json:"type"`
		Version topics.Version `json:"version"`
		Status  string         `json:"status"`
		Code    string         `json:"code"`
	}
	if err := json.NewDecoder(response.Body).Decode(&ack); err != nil {
		return 0, errGone
	}
	if ack.Type != "ack" || ack.Status != "applied" && ack.Status != "duplicate" {
		return 0, fmt.Errorf("mutation %d of %s: %+v", n, w.id, ack)
	}
	return ack.Version, nil
}

// P2, P3, P4: the server is killed while four writers write, again and again. Each
// resends what was not answered. In the end everything acknowledged is there, once
// and whole.
func TestKilledServer(t *testing.T) {
	const acksEach = 150
	kills := 4
	if testing.Short() {
		kills = 1
	}
	dir := t.TempDir()
	var acks atomic.Int64
	writers := make([]*writer, 4)
	for i := range writers {
		writers[i] = &writer{id: fmt.Sprintf("w%d", i), lane: i%2 == 0, next: 1, acks: make(map[int]topics.Version), all: &acks}
	}
	var epoch topics.Epoch
	for round := range kills {
		server := serveIn(t, dir)
		at, err := dial(t, server.url).Position(t.Context(), ledger)
		if err != nil {
			t.Fatal(err)
		}
		if round > 1 && at.Epoch != epoch {
			t.Fatalf("round %d: a crash changed the epoch from %s to %s", round, epoch, at.Epoch)
		}
		epoch = at.Epoch
		var writing sync.WaitGroup
		for _, w := range writers {
			writing.Go(func() {
				if err := w.write(server.url); !errors.Is(err, errGone) {
					t.Error(err)
				}
			})
		}
		waitUntil(t, func() bool { return acks.Load() >= int64((round+1)*acksEach) })
		server.kill()
		writing.Wait()
	}
	server := serveIn(t, dir)
	for _, w := range writers { // the resend of what was under way
		version, err := w.post(server.url, w.next)
		if err != nil {
			t.Fatal(err)
		}
		w.acks[w.next] = version
	}
	checkLedger(t, server.url, writers)
	if code, _ := server.interrupt(syscall.SIGTERM); code != exitOK {
		t.Errorf("the server ended with %d: %s", code, server.said.String())
	}
}

// checkLedger holds the log against what was acknowledged.
func checkLedger(t *testing.T, url string, writers []*writer) {
	t.Helper()
	log := readLog(t, dial(t, url), ledger)
	total := 0
	for _, w := range writers {
		for n := 1; n <= len(w.acks); n++ {
			last := w.acks[n]
			total += 3
			for i, want := range []string{w.id, w.id, w.id + "-copy"} {
				data, err := log[last-topics.Version(2-i)].Data()
				if err != nil {
					t.Fatal(err)
				}
				if data.EntityID != want || string(data.Payload) != fmt.Sprintf(`{"n":%d}`, n) {
					t.Errorf("mutation %d of %s was acked at %d; change %d there is %s %s", n, w.id, last, i, data.EntityID, data.Payload)
				}
			}
		}
	}
	if len(log) != total {
		t.Errorf("the log has %d events; %d were acknowledged", len(log), total)
	}
}

var errRead = errors.New("the log is read")

// readLog is every event of a topic, by version.
func readLog(t *testing.T, client *remote.Client, name topics.Name) map[topics.Version]*remote.Event {
	t.Helper()
	head, err := client.Position(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	log := make(map[topics.Version]*remote.Event)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	from := remote.Following{Topic: name, After: topics.Position{Epoch: head.Epoch}, Every: true}
	err = client.Follow(ctx, from, func(f remote.Frame) error {
		for i := range f.Events {
			if v := f.Events[i].Version; int(v) != len(log)+1 {
				t.Errorf("version %d follows %d", v, len(log))
			}
			log[f.Events[i].Version] = &f.Events[i]
		}
		if f.At == head {
			return errRead
		}
		return nil
	})
	if !errors.Is(err, errRead) {
		t.Fatal(err)
	}
	return log
}
