package quakes

import "time"

// spot is a place where the earth shakes.
type spot struct {
	place    string
	lat, lon float64
	perWeek  float64 // shocks in the background
	least    float64 // the smallest magnitude that its network sees
	reach    float64 // how far from the place, in km
	depth    float64 // in the median, in km
	kind     string  // of its magnitudes
}

// step is how finely its magnitudes are told apart.
func (s *spot) step() float64 {
	if s.kind == "mb" {
		return 0.1
	}
	return 0.01
}

// spots are placed and counted as in the feeds: dense networks see the smallest
// shocks of a few places, and the whole world only those above 4.
var spots = []spot{
	{"The Geysers, CA", 38.78, -122.76, 122, 0.4, 12, 2.5, "md"},
	{"Parkfield, CA", 35.90, -120.43, 61, 0.4, 20, 5, "md"},
	{"Hollister, CA", 36.85, -121.40, 54, 0.4, 20, 6, "md"},
	{"Mammoth Lakes, CA", 37.65, -118.97, 54, 0.4, 15, 5, "md"},
	{"Petrolia, CA", 40.33, -124.29, 34, 0.8, 60, 15, "md"},
	{"Ridgecrest, CA", 35.62, -117.67, 61, 0.4, 30, 5, "ml"},
	{"Aguanga, CA", 33.44, -116.87, 81, 0.4, 15, 7, "ml"},
	{"Borrego Springs, CA", 33.26, -116.38, 81, 0.4, 18, 9, "ml"},
	{"Castaic, CA", 34.49, -118.62, 34, 0.4, 25, 10, "ml"},
	{"Hawthorne, Nevada", 38.52, -118.62, 94, 0.3, 35, 8, "ml"},
	{"Carlin, Nevada", 40.71, -116.10, 47, 0.3, 35, 7, "ml"},
	{"Battle Mountain, Nevada", 40.64, -116.93, 54, 0.3, 30, 7, "ml"},
	{"Cedar City, Utah", 37.68, -113.06, 20, 0.6, 40, 4, "md"},
	{"Milford, Utah", 38.40, -113.01, 20, 0.6, 30, 4, "md"},
	{"Lincoln, Montana", 46.95, -112.68, 34, 0.5, 25, 9, "ml"},
	{"Amboy, Washington", 45.91, -122.45, 27, 0.5, 40, 6, "md"},
	{"Desert Aire, Washington", 46.68, -119.92, 20, 0.5, 40, 7, "ml"},
	{"Healy, Alaska", 63.86, -148.97, 88, 1.2, 90, 15, "ml"},
	{"Anchor Point, Alaska", 59.78, -151.83, 81, 1.3, 90, 60, "ml"},
	{"Talkeetna, Alaska", 62.32, -150.11, 61, 1.2, 80, 40, "ml"},
	{"Kodiak, Alaska", 57.79, -152.41, 54, 1.5, 200, 18, "ml"},
	{"Adak, Alaska", 51.88, -176.66, 27, 1.8, 120, 30, "ml"},
	{"Volcano, Hawaii", 19.43, -155.23, 47, 1.4, 12, 5, "md"},
	{"Pahala, Hawaii", 19.20, -155.48, 40, 1.5, 15, 32, "md"},
	{"Tallaboa, Puerto Rico", 17.99, -66.71, 40, 2.0, 40, 12, "md"},
	{"Punta Cana, Dominican Republic", 18.58, -68.40, 34, 2.5, 60, 70, "md"},

	{"Hualien City, Taiwan", 23.98, 121.60, 7, 4.0, 40, 12, "mb"},
	{"Namie, Japan", 37.49, 140.99, 8, 4.0, 120, 40, "mb"},
	{"Hachijo-jima, Japan", 33.11, 139.79, 5, 4.0, 120, 60, "mb"},
	{"Petropavlovsk-Kamchatsky, Russia", 53.02, 158.65, 7, 4.0, 180, 45, "mb"},
	{"Kokopo, Papua New Guinea", -4.35, 152.26, 9, 4.0, 150, 60, "mb"},
	{"Ternate, Indonesia", 0.79, 127.37, 9, 4.0, 160, 60, "mb"},
	{"Bengkulu, Indonesia", -3.80, 102.27, 7, 4.0, 120, 35, "mb"},
	{"Maumere, Indonesia", -8.62, 122.21, 5, 4.0, 120, 140, "mb"},
	{"Baculin, Philippines", 7.45, 126.58, 5, 4.0, 100, 50, "mb"},
	{"Port-Vila, Vanuatu", -17.73, 168.32, 8, 4.0, 150, 60, "mb"},
	{"Ndoi Island, Fiji", -20.66, -178.71, 12, 4.0, 150, 540, "mb"},
	{"Neiafu, Tonga", -18.65, -173.98, 9, 4.0, 150, 60, "mb"},
	{"Raoul Island, New Zealand", -29.27, -177.92, 5, 4.0, 140, 40, "mb"},
	{"Jarm, Afghanistan", 36.86, 70.83, 5, 4.0, 60, 190, "mb"},
	{"Kerman, Iran", 30.28, 57.08, 3, 4.0, 120, 10, "mb"},
	{"Denizli, Turkey", 37.77, 29.09, 3, 4.0, 60, 8, "mb"},
	{"Zakynthos, Greece", 37.79, 20.90, 4, 4.0, 80, 10, "mb"},
	{"Crucecita, Mexico", 15.77, -96.13, 7, 4.0, 100, 25, "mb"},
	{"Masachapa, Nicaragua", 11.79, -86.52, 4, 4.0, 80, 50, "mb"},
	{"Camana, Peru", -16.62, -72.71, 5, 4.0, 120, 60, "mb"},
	{"Coquimbo, Chile", -29.95, -71.34, 8, 4.0, 120, 35, "mb"},
	{"Bristol Island, South Sandwich Islands", -59.05, -26.50, 8, 4.0, 150, 60, "mb"},
}

// planted are shocks that every generated week has, so that there is a sequence to look at.
var planted = []struct {
	place     string
	after     time.Duration
	magnitude float64
	km, depth float64
}{
	{"Hualien City, Taiwan", 40 * time.Hour, 6.4, 18, 12},
	{"Ridgecrest, CA", 77 * time.Hour, 4.3, 14, 6},
}

// spotOf is the spot at the place, which must be there.
func spotOf(place string) *spot {
	for i := range spots {
		if spots[i].place == place {
			return &spots[i]
		}
	}
	panic("quakes: no spot at " + place)
}
