package simulation

import (
	"fmt"
	"strings"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// fraud is a client that does what no good one does, so that every code is met. What
// it is told must be a refusal, and what it does must hurt nobody.
type fraud struct {
	w     *world
	line  *line
	lanes int
}

// onlyDocs is a grant for some topics.
type onlyDocs struct{}

func (onlyDocs) Allow(_ statesync.Action, topic topics.Name) bool { return topic.Type() == "doc" }

func (f *fraud) leave() {
	if f.line != nil {
		f.line.drop()
		f.line = nil
	}
}

// act sends something wrong and reads what came of earlier deeds.
func (f *fraud) act() {
	if f.line == nil {
		l, err := dial(f.w.engine, statesync.Identity{Tenant: topics.DefaultTenant, User: "fraud", Grants: onlyDocs{}})
		if err != nil {
			return
		}
		f.line = l
	}
	if len(f.line.up) == 0 {
		f.line.up = f.deed()
	}
	for len(f.line.up) > 0 && f.line.arrive() != nil {
		f.w.rest()
	}
	f.line.pull()
	for _, raw := range f.line.down {
		f.hear(raw)
	}
	f.line.down = nil
	if f.line.ended {
		f.leave()
	}
}

func (f *fraud) hear(raw []byte) {
	frames, err := client.ParseFrames(raw)
	if err != nil {
		f.w.fail("%v: %s", err, raw)
	}
	for _, fr := range frames {
		switch fr.Type {
		case "reject":
			f.w.census.add("reject", string(fr.Code))
		case "resync":
			f.w.census.add("resync", fr.Reason)
		}
	}
}

// deed is a few messages of which at least one is wrong.
func (f *fraud) deed() [][]byte {
	f.lanes++
	lane, topic := fmt.Sprintf("f%d", f.lanes), f.w.names[f.w.rng.IntN(len(f.w.names))]
	mutate := func(seq int, rest string) []byte {
		return fmt.Appendf(nil, `{"type":"mutate","client":%q,"seq":%d,"topic":%q,%s}`, lane, seq, topic, rest)
	}
	const tick = `"changes":[{"op":"none","event":"tick"}]`
	switch f.w.rng.IntN(9) {
	case 0:
		return [][]byte{mutate(1, tick), mutate(1, `"changes":[{"op":"none","event":"tock"}]`)} // seq_reused
	case 1:
		return [][]byte{mutate(1, `"changes":[{"op":"frob","entity_id":"e1"}]`)} // invalid
	case 2:
		return [][]byte{mutate(1, `"changes":[{"entity_id":"e1","payload":"`+strings.Repeat("x", 400)+`"}]`)} // too_large
	case 3:
		topic = "secret:1"
		return [][]byte{mutate(1, tick)} // forbidden
	case 4:
		return [][]byte{mutate(1, `"name":"always.fails"`)} // rejected
	case 5:
		return [][]byte{mutate(1, `"name":"nobody.knows"`)} // unknown_type
	case 6:
		at, err := f.w.engine.Position(f.w.t.Context(), f.w.peers[0].identity(), topic)
		if err != nil || at.Version == 0 {
			return nil
		}
		return [][]byte{fmt.Appendf(nil, `{"type":"subscribe","topics":[{"topic":%q,"epoch":%q,"version":%d}]}`, topic, at.Epoch, at.Version+1000)} // ahead
	case 7:
		return [][]byte{mutate(1, `"epoch":"aaaaaaaaaaaaa",`+tick), mutate(7, tick), mutate(1, tick), mutate(3, tick)} // epoch_changed, expired, gap
	default:
		return [][]byte{mutate(1, `"changes":[{"op":"patch","entity_id":"nobody","payload":{}}]`), mutate(2, `"needs":1,`+tick)} // not_found, needs_rejected
	}
}
