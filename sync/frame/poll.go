package frame

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// Poll is one request of a client that has no line of its own: what it has to say,
// where it is, and how long it would wait for news.
type Poll struct {
	Session   string            // that it goes on with; empty: a new one
	Frames    []json.RawMessage // as a message holds them
	Positions []Standing        // in the order sent
	Wait      uint64            // seconds
}

// Standing is where a client is in one topic.
type Standing struct {
	Topic string           // as sent; the session parses it
	At    *topics.Position // nil: it holds nothing
}

// pollDepth is how much deeper a frame lies in a poll than in a message.
const pollDepth = 2

// DecodePoll reads the body of a poll: {session, frames, positions, wait}.
func DecodePoll(raw []byte, limits strict.Limits) (Poll, error) {
	if limits.Depth == 0 {
		limits.Depth = strict.DefaultDepth
	}
	limits.Depth += pollDepth
	body, err := Strict(raw, limits)
	if err != nil {
		return Poll{}, err
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return Poll{}, topics.Errorf(topics.CodeInvalid, "", "the body must be a JSON object with session, frames, positions and wait")
	}
	r := reader{root: root}
	p := Poll{Session: r.str("session"), Frames: r.frames(), Positions: r.standings()}
	p.Wait, _ = r.whole("wait")
	if r.err != nil {
		return Poll{}, r.err
	}
	return p, nil
}

func (r *reader) frames() []json.RawMessage {
	v := r.root.Get("frames")
	if v.Type != gjson.Null && !v.IsArray() {
		r.fail("frames", "must be an array of frames")
		return nil
	}
	var list []json.RawMessage
	for _, f := range v.Array() {
		list = append(list, json.RawMessage(strings.Clone(f.Raw)))
	}
	return list
}

func (r *reader) standings() []Standing {
	v := r.root.Get("positions")
	if v.Type != gjson.Null && !v.IsObject() {
		r.fail("positions", `must be an object such as {"gift-list:1": "epoch-version"}`)
		return nil
	}
	var list []Standing
	v.ForEach(func(key, value gjson.Result) bool {
		s := Standing{Topic: strings.Clone(key.String())}
		if value.Type != gjson.Null {
			p, err := topics.ParsePosition(value.String())
			if err != nil || value.Type != gjson.String {
				r.fail("positions", "must hold positions, epoch-version, or null where nothing is held")
			}
			s.At = &p
		}
		list = append(list, s)
		return r.err == nil
	})
	return list
}

// AppendPoll appends the answer to a poll: the session's id and its frames, which
// are lines.
func AppendPoll(b []byte, session string, lines []byte) []byte {
	b = append(b, `{"session":`...)
	b = appendString(b, session)
	b = append(b, `,"frames":[`...)
	for i, line := range Split(lines) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, line...)
	}
	return append(b, `]}`...)
}
