package main

import (
	"os"
	"runtime/debug"
)

const (
	// memoryLimit is what the runtime keeps to where GOMEMLIMIT says nothing: merging
	// tables makes garbage faster than a collector at rest would take it away.
	memoryLimit = 1 << 30
	// garbagePercent is how much garbage there may be beside what is alive, where GOGC
	// says nothing. Silent sessions are most of a server's memory, and what delivers
	// events allocates next to nothing: it costs little to collect a bit more often.
	garbagePercent = 50
)

// boundMemory sets what the runtime keeps to, unless the environment has.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
