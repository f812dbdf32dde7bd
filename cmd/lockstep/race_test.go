//go:build race

package main

// underRace makes long tests shorter: the race detector makes them ten times slower.
const underRace = true
