package quakes

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// week is the length of what is generated.
const week = 7 * 24 * time.Hour

// begins is when the generated week begins.
var begins = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

// shock is an earthquake before it has a name.
type shock struct {
	after     time.Duration // since the week began
	magnitude float64
	spot      *spot
	km        float64 // from the spot's place
	bearing   float64 // in radians, clockwise from north
	depth     float64 // in km
}

// Week generates a week of earthquakes in time order. One seed makes one week.
func Week(seed uint64) ([]Feature, error) {
	g := generator{random: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
	for i := range spots {
		g.background(&spots[i])
	}
	for _, m := range planted {
		g.add(shock{after: m.after, magnitude: m.magnitude, spot: spotOf(m.place), km: m.km, bearing: g.bearing(), depth: m.depth})
	}
	slices.SortFunc(g.shocks, func(a, b shock) int { return cmp.Compare(a.after, b.after) })
	features := make([]Feature, 0, len(g.shocks))
	for i, s := range g.shocks {
		f, err := g.feature(fmt.Sprintf("gen%05d", i+1), s)
		if err != nil {
			return nil, err
		}
		features = append(features, f)
	}
	return features, nil
}

type generator struct {
	random *rand.Rand
	shocks []shock
}

// background adds what happens at a spot for no reason: a Poisson process.
func (g *generator) background(s *spot) {
	mean := float64(week) / s.perWeek
	for after := g.exponential(mean); after < float64(week); after += g.exponential(mean) {
		g.add(shock{
			after: time.Duration(after), magnitude: g.magnitude(s), spot: s,
			km: s.reach * math.Sqrt(g.random.Float64()), bearing: g.bearing(),
			depth: s.depth * math.Exp(0.5*g.random.NormFloat64()),
		})
	}
}

// add adds a shock with its aftershocks, and theirs. On average a shock has less
// than one, so this ends.
func (g *generator) add(s shock) {
	g.shocks = append(g.shocks, s)
	for range g.poisson(aftershocks(s.magnitude - s.spot.least)) {
		after := s.after + g.omori()
		if after >= week {
			continue
		}
		km, bearing := g.near(s)
		g.add(shock{
			after: after, magnitude: g.magnitude(s.spot), spot: s.spot, km: km, bearing: bearing,
			depth: s.depth * math.Exp(0.15*g.random.NormFloat64()),
		})
	}
}

// near is a point close to a shock: the larger the shock, the wider its rupture.
func (g *generator) near(s shock) (km, bearing float64) {
	spread := 0.3 * math.Pow(10, 0.4*(s.magnitude-2))
	east := s.km*math.Sin(s.bearing) + spread*g.random.NormFloat64()
	north := s.km*math.Cos(s.bearing) + spread*g.random.NormFloat64()
	return math.Hypot(east, north), math.Atan2(east, north)
}
