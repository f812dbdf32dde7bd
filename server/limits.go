package server

import "time"

// Limits are the server's bounds. A zero field means its default.
type Limits struct {
	WriteDeadline time.Duration // of one write without progress; default 10 s; past it the connection is closed
	ReadDeadline  time.Duration // of one request body; default 10 s; past it: too_slow
	AuthDeadline  time.Duration // of the auth frame on a connection without a token; default 10 s; past it: close 4401
	Wait          time.Duration // of one long poll; default 25 s; a longer wait is invalid
	MinVersion    time.Duration // that a load waits for min_version; default 5 s; past it: unavailable
	PollBytes     int           // of one poll's answer, give or take a frame; default 1 MiB; the rest comes with the next poll
	PollFrames    int           // that one POST /v1/sync brings; default 256; past it: too_large
	SessionIdle   time.Duration // between the requests of one session; default 60 s; past it the session is expired
	SnapshotRows  int           // of one page; default 10,000; the rest comes with the next page
	StreamTopics  int           // of one event stream; default 64; past it: too_many_topics
	DrainWindow   time.Duration // over which Drain spreads the goodbyes; default 5 s

	Sessions        int // of the server; default 100,000; past it: too_many_sessions
	AddressSessions int // of one address; default 500; past it: too_many_sessions
	UserSessions    int // of one user; default 50; past it: too_many_sessions
	NewSessions     int // in a second; default 500; past it: overloaded
	Frames          int // in a second from one session, and twice that at once; default 1,000; past it the reader waits; at ten times: close 1008
}

// TenantLimits bound one tenant. Zero fields bound nothing.
type TenantLimits struct {
	MaxConnections int // sessions; past it: too_many_sessions
	Rate           int // frames and requests in a second, and twice that at once; past it readers wait, and requests are rate_limited
}

// DefaultLimits are the bounds where nothing is said.
func DefaultLimits() Limits { return Limits{}.orDefault() }

func (l Limits) orDefault() Limits {
	set(&l.WriteDeadline, 10*time.Second)
	set(&l.ReadDeadline, 10*time.Second)
	set(&l.AuthDeadline, 10*time.Second)
	set(&l.Wait, 25*time.Second)
	set(&l.MinVersion, 5*time.Second)
	set(&l.PollBytes, 1<<20)
	set(&l.PollFrames, 256)
	set(&l.SessionIdle, 60*time.Second)
	set(&l.SnapshotRows, 10_000)
	set(&l.StreamTopics, 64)
	set(&l.DrainWindow, 5*time.Second)
	set(&l.Sessions, 100_000)
	set(&l.AddressSessions, 500)
	set(&l.UserSessions, 50)
	set(&l.NewSessions, 500)
	set(&l.Frames, 1_000)
	return l
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
