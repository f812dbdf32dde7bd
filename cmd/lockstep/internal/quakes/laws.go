package quakes

import (
	"math"
	"time"
)

// The laws that the week follows, with values as they are found in catalogs.
const (
	bValue       = 1.0  // Gutenberg and Richter: ten times fewer per magnitude
	largest      = 7.2  // no larger one in an ordinary week
	productivity = 0.06 // aftershocks of a shock at the least magnitude that is seen
	growth       = 0.8  // how the number of aftershocks grows with magnitude, as a power of ten
	omoriP       = 1.1  // how aftershocks fade
	omoriC       = 15 * time.Minute
)

// magnitude is that of a shock at least as large as those that the spot's network sees.
func (g *generator) magnitude(s *spot) float64 {
	for {
		if m := s.least - s.step()/2 - math.Log10(1-g.random.Float64())/bValue; m <= largest {
			return m
		}
	}
}

// aftershocks is the mean number of aftershocks of a shock so much above the least.
func aftershocks(above float64) float64 {
	return productivity * math.Pow(10, growth*above)
}

// omori is how long after its cause an aftershock comes: the rate falls as 1/(t+c)^p.
func (g *generator) omori() time.Duration {
	t := float64(omoriC) * (math.Pow(1-g.random.Float64(), 1/(1-omoriP)) - 1)
	return time.Duration(min(t, float64(week)))
}

func (g *generator) exponential(mean float64) float64 { return mean * g.random.ExpFloat64() }

// poisson counts the arrivals of a process with the mean in one unit of time.
func (g *generator) poisson(mean float64) int {
	n := 0
	for t := g.random.ExpFloat64(); t < mean; t += g.random.ExpFloat64() {
		n++
	}
	return n
}

func (g *generator) bearing() float64 { return 2 * math.Pi * g.random.Float64() }

// A review comes after 10 hours in the median, and within minutes to days; one in
// five is never made. A machine's own revision comes after a quarter of an hour.
const (
	reviewShare  = 0.85
	reviewMedian = 10 * time.Hour
	reviewSpread = 1.36
	reviewSoon   = 6 * time.Minute
	updateMedian = 14 * time.Minute
	updateSpread = 1.2
	updateSoon   = 90 * time.Second
)

// revision is when the feed last touched a shock, and what it then was. A review
// that would come after the week has not come.
func (g *generator) revision(after time.Duration) (time.Duration, string) {
	wanted := g.random.Float64() < reviewShare
	review := after + g.logNormal(reviewMedian, reviewSpread, reviewSoon)
	update := after + g.logNormal(updateMedian, updateSpread, updateSoon)
	if wanted && review < week {
		return review, reviewed
	}
	return min(update, week), automatic
}

func (g *generator) logNormal(median time.Duration, spread float64, least time.Duration) time.Duration {
	return max(least, time.Duration(float64(median)*math.Exp(spread*g.random.NormFloat64())))
}
