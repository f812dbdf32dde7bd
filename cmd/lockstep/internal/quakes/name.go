package quakes

import (
	"fmt"
	"math"
)

const kmPerDegree = 111.2

var compass = [...]string{"N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"}

// feature writes a shock in the shape of the USGS feeds. What only a real feed
// has, such as links, is left out.
func (g *generator) feature(id string, s shock) (Feature, error) {
	magnitude := round(s.magnitude, s.spot.step())
	kind := s.spot.kind
	if magnitude >= 5.5 {
		kind = "mww"
	}
	place := s.place()
	lon, lat := s.coordinates()
	updated, status := g.revision(s.after)
	at := begins.Add(s.after)
	text, err := encode(map[string]any{
		"type": "Feature",
		"id":   id,
		"properties": map[string]any{
			"mag": magnitude, "place": place, "title": fmt.Sprintf("M %.1f - %s", magnitude, place),
			"time": at.UnixMilli(), "updated": begins.Add(updated).UnixMilli(), "status": status,
			"sig": math.Round(magnitude * magnitude * 100 / 6.5), "net": "gen", "magType": kind, "type": "earthquake",
		},
		"geometry": map[string]any{"type": "Point", "coordinates": []float64{round(lon, 1e-4), round(lat, 1e-4), round(s.depth, 0.01)}},
	})
	if err != nil {
		return Feature{}, err
	}
	return Parse(text)
}

// place is "12km NNE of somewhere", as seen from the closest place with a name.
func (s shock) place() string {
	turn := math.Mod(s.bearing/(2*math.Pi)+1, 1)
	point := compass[int(math.Round(turn*float64(len(compass))))%len(compass)]
	return fmt.Sprintf("%.0fkm %s of %s", max(1, s.km), point, s.spot.place)
}

// coordinates are good for a few hundred kilometres around the place.
func (s shock) coordinates() (lon, lat float64) {
	lat = s.spot.lat + s.km*math.Cos(s.bearing)/kmPerDegree
	lon = s.spot.lon + s.km*math.Sin(s.bearing)/(kmPerDegree*math.Cos(s.spot.lat*math.Pi/180))
	switch {
	case lon > 180:
		lon -= 360
	case lon < -180:
		lon += 360
	}
	return lon, lat
}

// round rounds to the multiples of a step that is one over a whole number.
func round(x, step float64) float64 {
	scale := math.Round(1 / step)
	return math.Round(x*scale) / scale
}
