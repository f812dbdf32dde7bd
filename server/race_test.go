//go:build race

package server_test

// underRace makes long tests shorter: the race detector makes them ten times slower.
const underRace = true
