// Package quakes knows earthquakes as the demo shows them: GeoJSON features in the
// shape of the USGS feeds, the history that a feed's last state tells, and a week
// generated for those who have no feed at hand.
//
// The generated week is not a recording. Its magnitudes follow Gutenberg and
// Richter, its background is Poisson, aftershocks follow Omori in time and grow
// with the magnitude of what caused them, and reviews come minutes to days later.
// One seed makes one week, byte for byte.
package quakes
