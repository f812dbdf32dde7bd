package remote

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff spreads retries: each wait is random between nothing and a bound that
// doubles (full jitter), so that clients that were cut off together do not come
// back together.
type Backoff struct {
	First, Most time.Duration // the bound at first, and where it stays
	Random      func() float64
	tries       int
}

// Default waits a quarter of a second at first and eight at most.
func Default() *Backoff {
	return &Backoff{First: 250 * time.Millisecond, Most: 8 * time.Second, Random: rand.Float64}
}

// Next is how long to wait before the next try, and at least what the server asked for.
func (b *Backoff) Next(asked time.Duration) time.Duration {
	bound := b.Most
	if b.tries < 30 {
		bound = min(b.Most, b.First<<b.tries)
	}
	b.tries++
	return asked + time.Duration(b.Random()*float64(bound))
}

// Reset begins anew after a success.
func (b *Backoff) Reset() { b.tries = 0 }

// pause waits, or returns the error of ctx.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
