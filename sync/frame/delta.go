package frame

import (
	"bytes"

	"github.com/lockstep-sync/lockstep/store"
)

// Deltas makes of an events frame, which holds these events, the one for readers who
// hold the rows before it: without the payloads that patches make. It is the frame
// itself where there are none.
func Deltas(whole []byte, events []store.Event) []byte {
	var out []byte
	done, at := 0, bytes.Index(whole, []byte(eventsMember))+len(eventsMember)
	for i := range events {
		if without, ok := delta(events[i]); ok {
			out = append(out, whole[done:at+int(without.Start)]...)
			done = at + int(without.End)
		}
		at += len(events[i].JSON) + 1 // and a comma
	}
	if done == 0 {
		return whole
	}
	return append(out, whole[done:]...)
}

// delta is the part of an encoded event that a reader can do without who holds the row
// before it. Only an event with a patch has one.
func delta(e store.Event) (without store.Span, ok bool) {
	origin := e.JSON[e.Data.End:]
	ok = bytes.HasPrefix(origin, []byte(`,"op":"patch","patch":`)) || bytes.HasPrefix(origin, []byte(`,"op":"json_patch","patch":`))
	return store.Span{Start: e.Payload.Start - uint32(len(payloadMember)), End: e.Payload.End}, ok
}
