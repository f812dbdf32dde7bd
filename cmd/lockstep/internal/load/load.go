package load

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics"
)

const (
	// inFlight is how many batches are unanswered at a time.
	inFlight = 4
	// patience is how long a batch is tried again before the load gives up.
	patience = time.Minute
)

// Options say what to load where.
type Options struct {
	Client *remote.Client
	Topic  topics.Name
	ID     string // the member that holds a row's id, names joined by dots
	Event  string // of the changes; empty: ADDED and UPDATED
}

// Load is one run of an import. Read may be called while Run runs.
type Load struct {
	o      Options
	run    string // names the run: its keys, and the trace of its events
	read   atomic.Int64
	newest atomic.Uint64 // the highest version that an ack named
}

// Result is what a load did.
type Result struct {
	Rows      int     `json:"rows"`
	Added     int     `json:"added"`
	Changed   int     `json:"changed"` // with Options.Event: those added too
	Unchanged int     `json:"unchanged"`
	Seconds   float64 `json:"seconds"`
}

// New makes a load.
func New(o Options) (*Load, error) {
	if o.Event != "" {
		if err := topics.CheckEventName(o.Event); err != nil {
			return nil, err
		}
	}
	var id [16]byte // as long as a trace id of the W3C, which it also is
	_, _ = rand.Read(id[:])
	return &Load{o: o, run: hex.EncodeToString(id[:])}, nil
}

// Read is how many rows have been read so far.
func (l *Load) Read() int { return int(l.read.Load()) }

// Run writes all rows and says what came of it. A row that cannot be read ends
// it; those before it are written all the same.
func (l *Load) Run(ctx context.Context, reader *rows.Reader) (Result, error) {
	began := time.Now()
	count, err := newCensus(ctx, l)
	if err != nil {
		return Result{}, err
	}
	defer count.stop()
	if err := l.write(ctx, &source{load: l, reader: reader}); err != nil {
		return Result{}, err
	}
	result, err := count.upTo(ctx, topics.Version(l.newest.Load()))
	if err != nil {
		return Result{}, fmt.Errorf("all %d rows are written, but what they changed was not counted: %w", l.Read(), err)
	}
	result.Rows = l.Read()
	result.Unchanged = result.Rows - result.Added - result.Changed
	result.Seconds = time.Since(began).Seconds()
	return result, nil
}

// write sends batch after batch, a few at a time.
func (l *Load) write(ctx context.Context, from *source) error {
	sending, sendCtx := errgroup.WithContext(ctx)
	var out window
	for n := 1; ; n++ {
		b := from.batch()
		if len(b.changes) == 0 || out.admit(sendCtx, b) != nil {
			break
		}
		done := out.enter(b)
		sending.Go(func() error {
			defer close(done)
			return l.send(sendCtx, b, fmt.Sprintf("%s-%d", l.run, n))
		})
	}
	if err := sending.Wait(); err != nil {
		return err
	}
	if from.err != nil && l.read.Load() == 0 {
		return from.err
	}
	if from.err != nil {
		return fmt.Errorf("%w (the rows before it are written)", from.err)
	}
	return ctx.Err()
}

// send writes one batch. Where the server takes less at a time, it goes in halves.
func (l *Load) send(ctx context.Context, b *batch, key string) error {
	ack, err := l.o.Client.Mutate(ctx, remote.Mutation{Topic: l.o.Topic, Key: key, TraceID: l.run, Changes: b.changes, Patience: patience})
	if errors.Is(err, &topics.Error{Code: topics.CodeTooLarge}) && len(b.changes) > 1 {
		first, second := b.halves()
		if err := l.send(ctx, first, key+"a"); err != nil {
			return err
		}
		return l.send(ctx, second, key+"b")
	}
	if err != nil {
		return b.blame(err)
	}
	for {
		newest := l.newest.Load()
		if uint64(ack.Version) <= newest || l.newest.CompareAndSwap(newest, uint64(ack.Version)) {
			return nil
		}
	}
}

// blame says which row a refusal is about: "changes[3].payload" is of the fourth.
func (b *batch) blame(err error) error {
	var refusal *remote.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	var i int
	if _, scanErr := fmt.Sscanf(refusal.Said.Field, "changes[%d]", &i); scanErr != nil || i < 0 || i >= len(b.changes) {
		return fmt.Errorf("rows %d to %d: %w", b.first, b.first+len(b.changes)-1, err)
	}
	_, field, _ := strings.Cut(refusal.Said.Field, ".")
	said := *refusal.Said
	said.Field = field
	named := *refusal
	named.Said = &said
	return fmt.Errorf("row %d (%s): %w", b.first+i, b.changes[i].EntityID, &named)
}
