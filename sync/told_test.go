package statesync

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/memory"
	"github.com/lockstep-sync/lockstep/topics"
)

// P12: a client that knows more than the server is a sign of loss: its operator is
// told, by the log and by a metric.
func TestAheadIsReported(t *testing.T) {
	var log bytes.Buffer
	e := New(Options{Store: memory.New(memory.Options{}), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	h := &house{t: t, engine: e}
	h.do(put("g1", `1`))
	s := h.open("alice", FormFrames)
	epoch := h.position().Epoch
	s.say(fmt.Sprintf(`{"type":"subscribe","topics":[{"topic":"gift-list:1","epoch":%q,"version":7}]}`, epoch))
	s.want(`"subscribed"`, `"reason":"ahead"`, `"type":"snapshot"`)
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, fmt.Sprintf("position=%s-7", epoch)) {
		t.Errorf("the log says %q", got)
	}
	if n := testutil.ToFloat64(e.metrics.resyncs.WithLabelValues("ahead")); n != 1 {
		t.Errorf("%v are counted", n)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// writeOnly may do everything but read.
type writeOnly struct{}

func (writeOnly) Allow(action Action, _ topics.Name) bool { return action != ActionRead }

// P8: a rejection does not show the row that it is about to whoever may not read it.
func TestCurrentIsForReaders(t *testing.T) {
	h := newHouse(t, Limits{})
	h.do(put("g1", `"secret"`))
	const stale = `{"type":"mutate","client":"c","seq":1,"topic":"gift-list:1","changes":[{"entity_id":"g1","payload":1,"if_version":7}]}`
	reader := h.open("alice", FormFrames)
	reader.say(stale)
	if lines := strings.Join(reader.await(`"code":"conflict"`), ""); !strings.Contains(lines, `"current":{"entity_id":"g1","payload":"secret"`) {
		t.Errorf("whoever may read hears %s", lines)
	}
	blind := h.openWith(SessionOptions{Identity: Identity{Tenant: topics.DefaultTenant, User: "bob", Grants: writeOnly{}}})
	blind.say(stale)
	for _, line := range blind.await(`"code":"conflict"`) {
		if strings.Contains(line, "secret") || strings.Contains(line, "current") {
			t.Errorf("whoever may not read hears %s", line)
		}
	}
}

// A chain of pages shows one moment for as long as the store holds it, and is then
// refused, never mixed (P4).
func TestPagesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Limits{})
		h.do(put("a", `1`), put("b", `2`))
		page, err := h.engine.Snapshot(t.Context(), identity("alice"), gifts, 1, "")
		if err != nil || page.Next == "" {
			t.Fatal(page, err)
		}
		pass(store.RunLife / 2)
		h.do(put("b", `3`))
		again, err := h.engine.Snapshot(t.Context(), identity("alice"), gifts, 1, page.Next)
		if err != nil || !bytes.Contains(again.Frame, []byte(`"payload":2`)) {
			t.Errorf("half a life later the next page is %s, %v", again.Frame, err)
		}
		for i := range 3 {
			pass(store.RunLife)
			h.do(put("a", fmt.Sprint(i)))
		}
		_, err = h.engine.Snapshot(t.Context(), identity("alice"), gifts, 1, page.Next)
		if e := topics.AsError(err); err == nil || e.Code != topics.CodeExpired || e.Field != "cursor" {
			t.Errorf("a cursor of long ago: %v", err)
		}
	})
}
