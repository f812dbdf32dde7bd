package quakes_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/quakes"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// known is what the tests look at in a feature.
type known struct {
	Properties struct {
		Mag     *float64 `json:"mag"`
		Place   string   `json:"place"`
		Status  string   `json:"status"`
		Updated int64    `json:"updated"`
		MagType string   `json:"magType"`
	} `json:"properties"`
	Geometry struct {
		Coordinates [3]float64 `json:"coordinates"`
	} `json:"geometry"`
}

func look(t *testing.T, text json.RawMessage) known {
	t.Helper()
	var k known
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// seeds are how many weeks the statistics are taken over.
const seeds = uint64(10)

// week is a generated week with what the tests look at.
type week struct {
	features []quakes.Feature
	known    []known
}

var weeks = make(map[uint64]week) // by seed; made once, for they take their time under -race

func weekOf(t *testing.T, seed uint64) week {
	t.Helper()
	if w, ok := weeks[seed]; ok {
		return w
	}
	w := week{features: generated(t, seed)}
	for _, f := range w.features {
		w.known = append(w.known, look(t, f.JSON))
	}
	weeks[seed] = w
	return w
}

func generated(t *testing.T, seed uint64) []quakes.Feature {
	t.Helper()
	features, err := quakes.Week(seed)
	if err != nil {
		t.Fatal(err)
	}
	return features
}

// One seed makes one week, byte for byte, and another seed another.
func TestWeekIsDeterministic(t *testing.T) {
	one, again, other := generated(t, 1), generated(t, 1), generated(t, 2)
	same := func(a, b quakes.Feature) bool { return string(a.JSON) == string(b.JSON) }
	if !slices.EqualFunc(one, again, same) {
		t.Error("seed 1 made two different weeks")
	}
	if slices.EqualFunc(one, other, same) {
		t.Error("seeds 1 and 2 made the same week")
	}
}

// A generated week looks like one of the feed: about as many, as many of them
// reviewed, in time order within seven days, with ids of their own.
func TestWeekCounts(t *testing.T) {
	for seed := range seeds {
		week := weekOf(t, seed).features
		if n := len(week); n < 1400 || n > 2400 {
			t.Errorf("seed %d: %d earthquakes, want 1400 to 2400", seed, n)
		}
		ids, revised := make(map[string]bool), 0
		for i, f := range week {
			ids[f.ID] = true
			if f.Status == "reviewed" {
				revised++
			}
			if i > 0 && f.Time.Before(week[i-1].Time) {
				t.Fatalf("seed %d: %s comes before %s", seed, f.ID, week[i-1].ID)
			}
			if f.Updated.Before(f.Time) || f.Updated.Sub(week[0].Time) > 7*24*time.Hour {
				t.Errorf("seed %d: %s at %s is updated at %s", seed, f.ID, f.Time, f.Updated)
			}
		}
		if share := float64(revised) / float64(len(week)); share < 0.6 || share > 0.8 {
			t.Errorf("seed %d: %.2f are reviewed, want about 0.7", seed, share)
		}
		if len(ids) != len(week) {
			t.Errorf("seed %d: %d ids for %d earthquakes", seed, len(ids), len(week))
		}
	}
}

// Gutenberg and Richter: above what every network sees, ten times fewer per
// magnitude. The estimator is Aki's, with Utsu's correction for rounding.
func TestWeekMagnitudes(t *testing.T) {
	for name, tc := range map[string]struct{ least, step float64 }{
		"mb": {4.0, 0.1},  // the world, seen from 4
		"ml": {2.0, 0.01}, // Alaska and the West
		"md": {2.5, 0.01},
	} {
		sum, n := 0.0, 0
		for seed := range seeds {
			for _, k := range weekOf(t, seed).known {
				kind := k.Properties.MagType
				if kind == "mww" && k.Geometry.Coordinates[1] < 35 {
					kind = "mb" // the large ones of the world
				}
				if m := *k.Properties.Mag; kind == name && m >= tc.least {
					sum += m
					n++
				}
			}
		}
		b := math.Log10E / (sum/float64(n) - (tc.least - tc.step/2))
		if n < 300 || math.Abs(b-1) > 0.12 {
			t.Errorf("%s: b is %.3f over %d earthquakes, want about 1", name, b, n)
		}
	}
}

// Omori: of what follows the largest shock nearby, much comes in the first hours.
func TestWeekAftershocks(t *testing.T) {
	early, late := 0, 0
	for seed := range seeds {
		week, seen := weekOf(t, seed).features, weekOf(t, seed).known
		main := slices.IndexFunc(seen, func(k known) bool {
			return *k.Properties.Mag == 4.3 && math.Hypot(k.Geometry.Coordinates[0]+117.67, k.Geometry.Coordinates[1]-35.62) < 0.3
		})
		if main < 0 {
			t.Fatalf("seed %d: the planted shock is not there", seed)
		}
		center := seen[main].Geometry.Coordinates
		for i, f := range week[main+1:] {
			at := seen[main+1+i].Geometry.Coordinates
			if math.Hypot(at[0]-center[0], at[1]-center[1]) > 0.1 {
				continue
			}
			switch after := f.Time.Sub(week[main].Time); {
			case after < 6*time.Hour:
				early++
			case after >= 48*time.Hour && after < 54*time.Hour:
				late++
			}
		}
	}
	if early < 100 || early < 8*late {
		t.Errorf("%d aftershocks within 6 hours and %d in 6 hours two days later; want many and few", early, late)
	}
}

// Reviews come after 10 hours in the median, cut short by the end of the week.
func TestWeekReviews(t *testing.T) {
	var delays []time.Duration
	for _, f := range generated(t, 3) {
		if f.Status == "reviewed" {
			delays = append(delays, f.Updated.Sub(f.Time))
		}
	}
	slices.Sort(delays)
	if median := delays[len(delays)/2]; median < 5*time.Hour || median > 14*time.Hour {
		t.Errorf("the median review takes %s", median)
	}
	if delays[0] < 6*time.Minute || delays[len(delays)-1] < 24*time.Hour {
		t.Errorf("reviews take from %s to %s; want minutes to days", delays[0], delays[len(delays)-1])
	}
}

// Coordinates and places are possible, and every text is what the wire takes.
func TestWeekShape(t *testing.T) {
	for _, f := range generated(t, 4) {
		k := look(t, f.JSON)
		lon, lat, depth := k.Geometry.Coordinates[0], k.Geometry.Coordinates[1], k.Geometry.Coordinates[2]
		if math.Abs(lon) > 180 || math.Abs(lat) > 90 || depth < 0 || depth > 4000 || k.Properties.Place == "" {
			t.Errorf("%s", f.JSON)
		}
		compact, err := strict.Compact(nil, f.JSON, strict.Limits{})
		if err != nil || string(compact) != string(f.JSON) {
			t.Errorf("%s is not strict and compact: %v", f.ID, err)
		}
	}
}

// Played to its end, the history of a feed leaves the feed (P7): the real one, and
// the generated one.
func TestHistory(t *testing.T) {
	file, err := quakes.ReadFile(testdata.Open(t, testdata.Earthquakes))
	if err != nil {
		t.Fatal(err)
	}
	if len(file) != 1707 {
		t.Fatalf("the file has %d features, want 1707", len(file))
	}
	for name, features := range map[string][]quakes.Feature{"file": file, "generated": generated(t, 1)} {
		entries, err := quakes.History(features)
		if err != nil {
			t.Fatal(err)
		}
		rows, changed := make(map[string]json.RawMessage), 0
		for i, e := range entries {
			if i > 0 && e.At.Before(entries[i-1].At) {
				t.Fatalf("%s: entry %d comes before the one it follows", name, i)
			}
			k := look(t, e.Payload)
			switch _, there := rows[e.EntityID]; {
			case !there && (e.Event != "" || k.Properties.Status != "automatic" || k.Properties.Updated != e.At.UnixMilli()):
				t.Errorf("%s: %s begins as %q, %s", name, e.EntityID, e.Event, k.Properties.Status)
			case there && e.Event == quakes.EventStatusChanged != (k.Properties.Status == "reviewed"):
				t.Errorf("%s: %s is %q, %s", name, e.EntityID, e.Event, k.Properties.Status)
			case there && e.Event == quakes.EventStatusChanged:
				changed++
			case there && e.Event != topics.EventUpdated:
				t.Errorf("%s: %s has event %q", name, e.EntityID, e.Event)
			}
			rows[e.EntityID] = e.Payload
		}
		for _, f := range features {
			if string(rows[f.ID]) != string(f.JSON) {
				t.Errorf("%s: %s ends as %s, want %s", name, f.ID, rows[f.ID], f.JSON)
			}
		}
		if len(rows) != len(features) || name == "file" && changed != 1214 {
			t.Errorf("%s: %d rows of %d, %d reviewed", name, len(rows), len(features), changed)
		}
	}
}
