package replay

import (
	"context"
	"fmt"
	"sync"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

const (
	// pace is the least time between two batches: what comes due meanwhile joins.
	pace = 20 * time.Millisecond
	// patience is how long to wait after an answer that says "later".
	patience = time.Second
	// MaxSpeed bounds the speed: a year in half a minute.
	MaxSpeed = 1_000_000
)

// Options say what to play where.
type Options struct {
	Engine   *statesync.Engine
	Identity statesync.Identity // in whose name the player writes
	Topic    topics.Name
	Entries  []Entry // in time order
	Speed    float64 // seconds of history per second
}

// Player plays entries into a topic. Run does the work; the others may be called
// from any goroutine.
type Player struct {
	o       Options
	changed chan struct{} // of capacity 1: speed or restart is new

	mu      sync.Mutex
	tape    *Tape
	restart bool
}

// Progress is how far a player has got.
type Progress struct {
	Speed    float64
	Replayed int // entries
	Total    int
	Done     bool
}

// New makes a player that begins when Run is called.
func New(o Options) *Player {
	return &Player{o: o, changed: make(chan struct{}, 1), tape: NewTape(o.Entries, o.Speed, time.Now())}
}

// Run plays until ctx ends, also past the last entry: a restart may come. Its error
// says why a batch cannot be written.
func (p *Player) Run(ctx context.Context) error {
	p.mu.Lock()
	p.tape.Rewind(time.Now())
	p.mu.Unlock()
	for ctx.Err() == nil {
		wait, err := p.step(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err := p.sleep(ctx, wait); err != nil {
			return nil //nolint:nilerr // the end of ctx is how a player ends
		}
	}
	return nil
}

// step writes what is due and returns how long there is nothing to do; less than 0
// means until something changes.
func (p *Player) step(ctx context.Context) (time.Duration, error) {
	p.mu.Lock()
	restart := p.restart
	due := p.tape.Due(time.Now())
	p.mu.Unlock()
	if restart {
		return 0, p.startOver(ctx)
	}
	if len(due) > 0 {
		return p.play(ctx, due)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	wait, ok := p.tape.Wait(time.Now())
	if !ok {
		return -1, nil
	}
	return max(wait, pace), nil
}

// play writes one batch as one mutation.
func (p *Player) play(ctx context.Context, due []Entry) (time.Duration, error) {
	m := topics.Mutation{Topic: p.o.Topic, Changes: make([]topics.Change, len(due))}
	for i, e := range due {
		m.Changes[i] = topics.Change{EntityID: e.EntityID, Event: e.Event, Payload: e.Payload}
	}
	answer, err := p.o.Engine.Mutate(ctx, p.o.Identity, m)
	if err != nil {
		return 0, err
	}
	if reject := answer.Reject; reject != nil {
		if reject.Code.Meaning().Retry == topics.RetryLater {
			return patience, nil // putting a value twice is putting it once
		}
		return 0, fmt.Errorf("replay %s: %w", p.o.Topic, reject)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tape.Played(len(due))
	return pace, nil
}

// startOver empties the topic, which gives it a new epoch, and rewinds.
func (p *Player) startOver(ctx context.Context) error {
	if err := p.o.Engine.Delete(ctx, p.o.Identity, p.o.Topic); err != nil {
		return fmt.Errorf("replay %s: %w", p.o.Topic, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restart = false
	p.tape.Rewind(time.Now())
	return nil
}

// sleep waits for the time to pass, for a change, or for ctx, whose error it returns.
func (p *Player) sleep(ctx context.Context, wait time.Duration) error {
	var passed <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-passed:
	case <-p.changed:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// SetSpeed plays on at another speed, which is from 0 to MaxSpeed; 0 stands still.
func (p *Player) SetSpeed(speed float64) error {
	if !(speed >= 0 && speed <= MaxSpeed) {
		return topics.Errorf(topics.CodeInvalid, "speed", "must be a number from 0 (stand still) to %d", MaxSpeed)
	}
	p.mu.Lock()
	p.tape.SetSpeed(speed, time.Now())
	p.mu.Unlock()
	p.wake()
	return nil
}

// Restart plays the history again from its beginning, into an empty topic.
func (p *Player) Restart() {
	p.mu.Lock()
	p.restart = true
	p.mu.Unlock()
	p.wake()
}

// Progress is how far the player has got.
func (p *Player) Progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Progress{Speed: p.tape.speed, Replayed: p.tape.Count(), Total: len(p.o.Entries), Done: p.tape.Done() && !p.restart}
}

func (p *Player) wake() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}
