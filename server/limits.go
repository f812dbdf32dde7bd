package server

import "time"

// Limits are the server's bounds. A zero field means its default.
type Limits struct {
	WriteDeadline time.Duration // of one write without progress; default 10 s; past it the connection is closed
	ReadDeadline  time.Duration // of one request body; default 10 s; past it: too_slow
	Wait          time.Duration // of one long poll; default 25 s; a longer wait is invalid
	MinVersion    time.Duration // that a load waits for min_version; default 5 s; past it: unavailable
	PollBytes     int           // of one poll's answer, give or take a frame; default 1 MiB; the rest comes with the next poll
	SnapshotRows  int           // of one page; default 10,000; the rest comes with the next page
	DrainWindow   time.Duration // over which Drain spreads the goodbyes; default 5 s
}

func (l Limits) orDefault() Limits {
	set(&l.WriteDeadline, 10*time.Second)
	set(&l.ReadDeadline, 10*time.Second)
	set(&l.Wait, 25*time.Second)
	set(&l.MinVersion, 5*time.Second)
	set(&l.PollBytes, 1<<20)
	set(&l.SnapshotRows, 10_000)
	set(&l.DrainWindow, 5*time.Second)
	return l
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
