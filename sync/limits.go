package statesync

import (
	"time"

	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// Limits are the engine's bounds. A zero field means its default.
type Limits struct {
	MessageBytes int // of one inbound message; default 256 KiB; past it: too_large, close 1009
	PayloadBytes int // of one entity; default 128 KiB; past it: reject too_large
	Depth        int // of inbound JSON; default 32; past it: too_large
	Values       int // in one inbound frame; default 10,000; past it: too_large
	Changes      int // in one mutation; default 100; past it: reject too_large
	EventBytes   int // of one mutation's events; default 1 MiB; past it: reject too_large
	Topics       int // subscribed by one session; default 1,000; past it: error too_many_topics
	Answers      int // not yet written, per session; default 256; at it the reader waits
	InFlight     int // unanswered mutations of one lane; 64; past it: reject too_many_in_flight
	Inbox        int // mutations waiting for one topic; default 1,024; past it: reject overloaded
	CommitEvents int // of one commit; default 256; the rest joins the next one
	CommitBytes  int // of one commit; default 256 KiB; the rest joins the next one
	TailCommits  int // kept in memory per topic; default 1,024; older reads go to the store
	TailBytes    int // kept in memory per topic; default 1 MiB; older reads go to the store
	WarmTopics   int // kept in memory without sessions; default 256; the oldest is dropped
	TurnBytes    int // what one Next appends before it returns; default 64 KiB
	TurnFrames   int // likewise; default 256
	PageBytes    int // of one page of a snapshot by request; default 4 MiB; the rest is on the next page
	Signals      int // not yet written, per session; default 64; past it the oldest is dropped
	Lanes        int // kept in memory; default 4,096; others are read from the store

	SnapshotBytes   int // of all encoded snapshots in memory; default 64 MiB; the least recently used goes
	PresenceMembers int // listed per topic; default 200; past it only their count is told
	PresenceBytes   int // of one member's state; default 4 KiB; past it: error too_large
}

// DefaultLimits are the bounds where nothing is said.
func DefaultLimits() Limits { return Limits{}.orDefault() }

func (l Limits) orDefault() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.MessageBytes, 256<<10)
	set(&l.PayloadBytes, topics.MaxPayloadBytes)
	set(&l.Depth, strict.DefaultDepth)
	set(&l.Values, strict.DefaultValues)
	set(&l.Changes, topics.MaxChanges)
	set(&l.EventBytes, topics.MaxMutationBytes)
	set(&l.Topics, 1_000)
	set(&l.Answers, 256)
	set(&l.InFlight, topics.MaxInFlight)
	set(&l.Inbox, 1_024)
	set(&l.CommitEvents, 256)
	set(&l.CommitBytes, 256<<10)
	set(&l.TailCommits, 1_024)
	set(&l.TailBytes, 1<<20)
	set(&l.WarmTopics, 256)
	set(&l.TurnBytes, 64<<10)
	set(&l.TurnFrames, 256)
	set(&l.PageBytes, 4<<20)
	set(&l.Lanes, 4_096)
	set(&l.Signals, 64)
	set(&l.SnapshotBytes, 64<<20)
	set(&l.PresenceMembers, 200)
	set(&l.PresenceBytes, 4<<10)
	return l
}

// Strict is what the scanner holds one inbound message to.
func (l Limits) Strict() strict.Limits {
	return strict.Limits{Bytes: l.MessageBytes, Depth: l.Depth, Values: l.Values}
}

// DefaultHeartbeat is how long a session may be silent before it says where it is.
const DefaultHeartbeat = 25 * time.Second
