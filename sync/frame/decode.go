package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// Split cuts a message into its frames: JSON texts separated by "\n". Empty lines
// are no frames.
func Split(message []byte) [][]byte {
	var frames [][]byte
	for line := range bytes.SplitSeq(message, []byte{'\n'}) {
		if len(bytes.TrimSpace(line)) > 0 {
			frames = append(frames, line)
		}
	}
	return frames
}

// Decode reads one frame of a client. What it returns shares no memory with raw.
func Decode(raw []byte, limits strict.Limits) (Frame, error) {
	body, err := Strict(raw, limits)
	if err != nil {
		return nil, err
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return nil, topics.Errorf(topics.CodeInvalid, "", "a frame must be a JSON object")
	}
	r := reader{root: root}
	var f Frame
	switch typ := r.str("type"); typ {
	case "auth":
		f = Auth{Token: r.required("token")}
	case "subscribe":
		f = r.subscribe()
	case "unsubscribe":
		f = Unsubscribe{Topics: r.strings("topics")}
	case "mutate":
		f = Mutate{Mutation: r.mutation()}
	case "signal":
		f = r.signal()
	case "presence":
		f = r.present()
	case "call":
		f = r.call()
	case "ping":
		f = Ping{}
	case "":
		r.fail("type", "is missing; every frame has one")
	default:
		f = Unknown{Type: typ, Body: body}
	}
	if r.err != nil {
		return f, r.err
	}
	return f, nil
}

// DecodeMutation reads the body of an HTTP mutation: a mutate frame whose type,
// topic, client and seq may be missing.
func DecodeMutation(raw []byte, limits strict.Limits) (topics.Mutation, error) {
	body, err := Strict(raw, limits)
	if err != nil {
		return topics.Mutation{}, err
	}
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return topics.Mutation{}, topics.Errorf(topics.CodeInvalid, "", "the body must be a JSON object with changes")
	}
	r := reader{root: root, optional: true}
	m := r.mutation()
	if r.err != nil {
		return topics.Mutation{}, r.err
	}
	return m, nil
}

// Strict passes raw through the strict scanner and words its refusal for the wire.
func Strict(raw []byte, limits strict.Limits) (json.RawMessage, error) {
	body, err := strict.Compact(make([]byte, 0, len(raw)), raw, limits)
	if refused, ok := errors.AsType[*strict.Error](err); ok {
		code := topics.CodeInvalid
		if refused.TooLarge {
			code = topics.CodeTooLarge
		}
		return nil, topics.Errorf(code, refused.Path, "%s (at byte %d)", refused.Problem, refused.Offset)
	}
	return body, nil
}

// reader takes fields out of an object and keeps the first error.
type reader struct {
	root     gjson.Result
	at       string // the path of root, for errors
	optional bool   // topic, client and seq may be missing: they come by other ways
	err      *topics.Error
}

func (r *reader) fail(field, format string, args ...any) {
	if r.err != nil {
		return
	}
	r.err = topics.Errorf(topics.CodeInvalid, field, format, args...)
	if r.at != "" {
		r.err = r.err.In(r.at)
	}
}

func (r *reader) keep(err error) {
	if err == nil || r.err != nil {
		return
	}
	r.err = topics.AsError(err)
	if r.at != "" {
		r.err = r.err.In(r.at)
	}
}

// str is the string at field, empty when it is missing or null.
func (r *reader) str(field string) string {
	v := r.root.Get(field)
	switch v.Type {
	case gjson.String:
		return strings.Clone(v.Str)
	case gjson.Null:
		return ""
	default:
		r.fail(field, "must be a string")
		return ""
	}
}

func (r *reader) required(field string) string {
	s := r.str(field)
	if s == "" {
		r.fail(field, "is missing")
	}
	return s
}

func (r *reader) boolean(field string) bool {
	v := r.root.Get(field)
	if v.Exists() && v.Type != gjson.True && v.Type != gjson.False && v.Type != gjson.Null {
		r.fail(field, "must be true or false")
	}
	return v.Type == gjson.True
}

// whole is the protocol integer at field: 0 to 2^53-1, written without fraction
// or exponent.
func (r *reader) whole(field string) (uint64, bool) {
	v := r.root.Get(field)
	if v.Type == gjson.Null {
		return 0, false
	}
	n, err := topics.ParseVersion(v.Raw)
	if v.Type != gjson.Number || err != nil {
		r.fail(field, "must be a whole number from 0 to 2^53-1")
		return 0, false
	}
	return uint64(n), true
}

func (r *reader) raw(field string) json.RawMessage {
	v := r.root.Get(field)
	if !v.Exists() {
		return nil
	}
	return json.RawMessage(strings.Clone(v.Raw))
}

func (r *reader) strings(field string) []string {
	v := r.root.Get(field)
	if !v.IsArray() {
		r.fail(field, "must be an array of topic names")
		return nil
	}
	var list []string
	for _, item := range v.Array() {
		if item.Type != gjson.String {
			r.fail(field, "must hold strings only")
			return nil
		}
		list = append(list, strings.Clone(item.Str))
	}
	return list
}
