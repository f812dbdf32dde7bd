package frame

import (
	"bytes"

	"github.com/tidwall/gjson"

	"github.com/lockstep-sync/lockstep/topics"
)

// Envelope is what a transport has to know of a line in plain form.
type Envelope struct {
	Topic   topics.Name
	Event   string
	Version topics.Version
}

// ReadEnvelope reads a line that a session made in plain form; ok is false for what
// is no event of a topic's log, which begins with its type.
func ReadEnvelope(line []byte) (e Envelope, ok bool) {
	if !bytes.HasPrefix(line, []byte(`{"topic":`)) {
		return Envelope{}, false
	}
	fields := gjson.GetManyBytes(line, "topic", "event", "version")
	return Envelope{Topic: topics.Name(fields[0].Str), Event: fields[1].Str, Version: topics.Version(fields[2].Uint())}, true
}
