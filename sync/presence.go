package statesync

import (
	"slices"

	"github.com/lockstep-sync/lockstep/sync/frame"
)

// presence is who is in a topic now, with a small state each. It is a last list of
// its own, in memory only: a change gets the next number, and a cursor that has
// seen up to a number is given what came after it, the last state of each member.
// It is guarded by its topic's lock and has no clock: its owner says when to forget.
type presence struct {
	number  uint64
	members map[memberKey]*member
	// forgotten is the number of the newest departure that is no longer kept: a
	// cursor that has seen less is told the whole list.
	forgotten uint64
	departed  int // departures kept; at maxDepartures they are forgotten
}

// maxDepartures bounds what is kept of members who have left.
const maxDepartures = 256

// memberKey names a member: a client of a user, which stays the same across
// reconnects, or a session that names no client.
type memberKey struct{ user, client string }

type member struct {
	memberKey
	number   uint64 // of its last change
	state    []byte // nil: it has left
	sessions int    // sessions that speak for it; at 0 it is about to leave
}

// set makes state the member's, and reports whether it joined with that.
func (p *presence) set(key memberKey, state []byte) (joined bool) {
	if p.members == nil {
		p.members = make(map[memberKey]*member)
	}
	m := p.members[key]
	if m == nil {
		m = &member{memberKey: key}
		p.members[key] = m
	}
	joined = m.state == nil
	p.number++
	m.number, m.state = p.number, state
	return joined
}

// leave takes the member out; its departure is kept until forget.
func (p *presence) leave(key memberKey) bool {
	m := p.members[key]
	if m == nil || m.state == nil {
		return false
	}
	p.number++
	m.number, m.state = p.number, nil
	if p.departed++; p.departed > maxDepartures {
		p.forget()
	}
	return true
}

// forget drops all departures.
func (p *presence) forget() {
	for key, m := range p.members {
		if m.state == nil && m.sessions == 0 {
			p.forgotten = max(p.forgotten, m.number)
			delete(p.members, key)
		}
	}
	p.departed = 0
}

// count is how many are here.
func (p *presence) count() int {
	n := 0
	for _, m := range p.members {
		if m.state != nil {
			n++
		}
	}
	return n
}

// since is what a cursor that has seen up to number is told. Above most members
// only their count is.
func (p *presence) since(number uint64, most int) frame.Presence {
	f := frame.Presence{Count: p.count(), Full: number < p.forgotten || number == 0}
	if f.Count > most {
		return f
	}
	changed := make([]*member, 0, len(p.members))
	for _, m := range p.members {
		if m.number > number || f.Full {
			changed = append(changed, m)
		}
	}
	slices.SortFunc(changed, func(a, b *member) int { return int(a.number) - int(b.number) }) //nolint:gosec // numbers of one topic's life in memory
	for _, m := range changed {
		switch {
		case m.state != nil:
			f.Members = append(f.Members, frame.Member{User: m.user, Client: m.client, State: m.state})
		case !f.Full:
			f.Left = append(f.Left, frame.Member{User: m.user, Client: m.client})
		}
	}
	return f
}
