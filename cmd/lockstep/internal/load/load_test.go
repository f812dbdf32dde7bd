package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics"
)

// cut reads the text into batches and says how many rows each has.
func cut(t *testing.T, text string) ([]*batch, error) {
	t.Helper()
	reader, err := rows.New(strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	from := source{load: l, reader: reader}
	var all []*batch
	for {
		b := from.batch()
		if len(b.changes) == 0 {
			return all, from.err
		}
		all = append(all, b)
	}
}

// Every batch is below the bounds of one message, and all rows are in one, in order.
func TestBatches(t *testing.T) {
	row := func(i, bytes, values int) string {
		return fmt.Sprintf(`{"id":%d,"text":%q,"list":[%s]}`, i, strings.Repeat("x", bytes), strings.TrimSuffix(strings.Repeat("0,", values), ","))
	}
	for name, tc := range map[string]struct {
		rows, bytes, values int
		want                []int
	}{
		"none":         {0, 0, 0, nil},
		"small":        {250, 10, 1, []int{100, 100, 50}},
		"exactly full": {100, 10, 1, []int{100}},
		"long":         {5, 70 << 10, 1, []int{2, 2, 1}},
		"too long":     {2, 500 << 10, 1, []int{1, 1}},
		"of values":    {10, 0, 4_000, []int{2, 2, 2, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			for i := range tc.rows {
				text.WriteString(row(i+1, tc.bytes, tc.values) + "\n")
			}
			batches, err := cut(t, text.String())
			if err != nil {
				t.Fatal(err)
			}
			next := 1
			for i, b := range batches {
				if i >= len(tc.want) || len(b.changes) != tc.want[i] || b.first != next {
					t.Fatalf("batch %d has %d rows from %d; want %v", i, len(b.changes), b.first, tc.want)
				}
				for _, c := range b.changes {
					if c.EntityID != fmt.Sprint(next) {
						t.Errorf("row %d has id %s", next, c.EntityID)
					}
					next++
				}
			}
			if len(batches) != len(tc.want) {
				t.Errorf("%d batches, want %d", len(batches), len(tc.want))
			}
		})
	}
}

// A bad row ends the file; the rows before it are a batch all the same.
func TestBatchesBeforeABadRow(t *testing.T) {
	batches, err := cut(t, "{\"id\":1}\n{\"id\":2}\n{\"no\":3}\n{\"id\":4}\n")
	var bad *rows.Error
	if len(batches) != 1 || len(batches[0].changes) != 2 || !errors.As(err, &bad) || bad.Row != 3 {
		t.Errorf("%d batches, %v", len(batches), err)
	}
}

// Two batches with a row of one id are never under way together, and no more than
// inFlight are.
func TestWindow(t *testing.T) {
	of := func(ids ...string) *batch {
		b := newBatch(1)
		for _, id := range ids {
			b.ids[id] = struct{}{}
		}
		return b
	}
	var w window
	var dones []chan<- struct{}
	for i := range inFlight {
		b := of(fmt.Sprint("id", i), fmt.Sprint("other", i))
		if err := w.admit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		dones = append(dones, w.enter(b))
	}
	refused := func(b *batch) bool { // by a context that has ended: admit would wait
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return w.admit(ctx, b) != nil && len(w.sent) == inFlight
	}
	if !refused(of("new")) {
		t.Errorf("more than %d are under way", inFlight)
	}
	close(dones[0])
	if err := w.admit(t.Context(), of("new")); err != nil || len(w.sent) != inFlight-1 {
		t.Errorf("%d are under way after one was answered (%v)", len(w.sent), err)
	}
	close(dones[1])
	close(dones[2])
	if err := w.admit(t.Context(), of("id2")); err != nil || w.meets(of("id2")) {
		t.Errorf("a batch meets one that is under way (%v)", err)
	}
}

// A refusal names the row of the file.
func TestBlame(t *testing.T) {
	b := newBatch(201)
	for i := range 5 {
		b.add(fmt.Sprint("r", i), "", []byte(`{}`))
	}
	for field, want := range map[string]string{
		"changes[3].payload": "row 204 (r3): too_large: payload is wrong",
		"changes[0]":         "row 201 (r0): too_large: is wrong",
		"":                   "rows 201 to 205: too_large: is wrong",
		"changes[9].payload": "rows 201 to 205: too_large: changes[9].payload is wrong",
	} {
		err := b.blame(&remote.Refusal{Said: topics.Errorf(topics.CodeTooLarge, field, "is wrong")})
		if err.Error() != want {
			t.Errorf("%s: %v, want %s", field, err, want)
		}
		if !errors.Is(err, &topics.Error{Code: topics.CodeTooLarge}) {
			t.Errorf("%s: the code is lost in %v", field, err)
		}
	}
}

// Where the server takes less at a time, a batch goes in halves.
func TestHalves(t *testing.T) {
	b := newBatch(11)
	for i := range 5 {
		b.add(fmt.Sprint("r", i), "", json.RawMessage(`{}`))
	}
	one, other := b.halves()
	if one.first != 11 || len(one.changes) != 2 || other.first != 13 || len(other.changes) != 3 || other.changes[0].EntityID != "r2" {
		t.Errorf("%d from %d, %d from %d", len(one.changes), one.first, len(other.changes), other.first)
	}
}
