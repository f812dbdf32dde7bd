package statesync

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep-sync/lockstep/topics"
)

// mutationHash tells a resend from another mutation under the same identity. It
// covers what the mutation asks for, not how it travels: neither trace nor epoch.
func mutationHash(m topics.Mutation) uint64 {
	var d xxhash.Digest
	d.Reset()
	text := func(s string) {
		number(&d, uint64(len(s)))
		_, _ = d.WriteString(s)
	}
	optional := func(v uint64, present bool) {
		if present {
			number(&d, v+1)
		} else {
			number(&d, 0)
		}
	}
	text(string(m.Topic))
	number(&d, m.Needs)
	if m.IfTopicVersion != nil {
		optional(uint64(*m.IfTopicVersion), true)
	} else {
		optional(0, false)
	}
	text(m.Name)
	text(string(m.Args))
	for _, c := range m.Changes {
		number(&d, uint64(c.Op))
		text(c.EntityID)
		text(string(c.Payload))
		text(c.Event)
		if c.IfMatch == nil {
			optional(0, false)
			continue
		}
		optional(uint64(c.IfMatch.Version), true)
		number(&d, c.IfMatch.Seq)
	}
	return d.Sum64()
}

func number(d *xxhash.Digest, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	_, _ = d.Write(b[:])
}
