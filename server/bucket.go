package server

import "time"

// bucket says how much may happen: rate in a second, burst at once. Its owner
// guards it.
type bucket struct {
	rate, burst float64
	level       float64 // below 0: a debt that time pays
	at          time.Time
}

func newBucket(rate, burst int) bucket {
	return bucket{rate: float64(rate), burst: float64(burst), level: float64(burst)}
}

func (b *bucket) fill(now time.Time) {
	if !b.at.IsZero() {
		b.level = min(b.burst, b.level+b.rate*max(0, now.Sub(b.at).Seconds()))
	}
	b.at = now
}

// take takes n if they are there.
func (b *bucket) take(n int, now time.Time) bool {
	b.fill(now)
	if b.level < float64(n) {
		return false
	}
	b.level -= float64(n)
	return true
}

// owe takes n in any case, and says how long the taker has to wait for them.
func (b *bucket) owe(n int, now time.Time) time.Duration {
	b.fill(now)
	b.level -= float64(n)
	if b.level >= 0 {
		return 0
	}
	return time.Duration(-b.level / b.rate * float64(time.Second))
}
