package server

import (
	"bytes"
	"strings"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// nowhere stands in an id for a topic that the stream does not follow.
const nowhere = "-"

// encoder writes a session's lines as server-sent events.
type encoder struct {
	form   statesync.Form
	topics []topics.Name // whose positions make the id; nil: events have none
}

// encode appends lines. In plain form each has the event's name, and where the
// stream is of one topic, its own position as id. The last one has the position
// after all of them: a client that has only some gets the others once more.
func (e encoder) encode(dst, lines []byte, before, after map[topics.Name]topics.Position) []byte {
	lines = bytes.TrimSuffix(lines, []byte{'\n'})
	epoch := e.epoch(lines, before, after)
	for more := true; more; {
		var line []byte
		line, lines, more = bytes.Cut(lines, []byte{'\n'})
		id, name := e.label(line, epoch)
		if !more {
			id = e.id(after)
		}
		dst = appendField(dst, "id", id)
		dst = appendField(dst, "event", name)
		dst = append(append(append(dst, "data: "...), line...), "\n\n"...)
	}
	return dst
}

// epoch is that of all lines, if there is one topic and one epoch. A topic that was
// empty has another one after its first event.
func (e encoder) epoch(lines []byte, before, after map[topics.Name]topics.Position) topics.Epoch {
	if e.form == statesync.FormFrames || len(e.topics) != 1 || bytes.Contains(lines, []byte(`{"type":"resync"`)) {
		return ""
	}
	from, to := before[e.topics[0]], after[e.topics[0]]
	if from.Epoch != to.Epoch && from.Version != 0 {
		return ""
	}
	return to.Epoch
}

// label is what a line in plain form says about itself.
func (e encoder) label(line []byte, epoch topics.Epoch) (id, name string) {
	if e.form == statesync.FormFrames {
		return "", "" // a frame tells its position itself
	}
	envelope, ok := frame.ReadEnvelope(line)
	if ok && epoch != "" {
		id = topics.Position{Epoch: epoch, Version: envelope.Version}.String()
	}
	return id, envelope.Event
}

// id is the positions in the order of the stream's topics.
func (e encoder) id(at map[topics.Name]topics.Position) string {
	list := make([]string, len(e.topics))
	for i, name := range e.topics {
		list[i] = nowhere
		if p, ok := at[name]; ok {
			list[i] = p.String()
		}
	}
	return strings.Join(list, ",")
}

// appendField appends a field that has a value.
func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), '\n')
}

// parseID reads an id of a stream of n topics.
func parseID(field, text string, n int) ([]*topics.Position, error) {
	list := make([]*topics.Position, 0, n)
	for part := range strings.SplitSeq(text, ",") {
		var at *topics.Position
		if part != nowhere {
			p, err := topics.ParsePosition(part)
			if err != nil {
				return nil, topics.Errorf(topics.CodeInvalid, field, "%q must be a position, epoch-version, as an id of the stream gave it", clip(part))
			}
			at = &p
		}
		list = append(list, at)
	}
	if len(list) != n {
		return nil, topics.Errorf(topics.CodeInvalid, field, "has %d positions for %d topics; they stand in the order of the topics", len(list), n)
	}
	return list, nil
}
