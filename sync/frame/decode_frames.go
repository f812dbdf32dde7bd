package frame

import (
	"fmt"

	"github.com/tidwall/gjson"

	"github.com/lockstep-sync/lockstep/topics"
)

func (r *reader) subscribe() Subscribe {
	s := Subscribe{Client: r.str("client")}
	if s.Client != "" {
		r.keep(topics.CheckClient(s.Client))
	}
	list := r.root.Get("topics")
	if !list.IsArray() {
		r.fail("topics", "must be an array of topic names or of {topic, epoch, version}")
		return s
	}
	for i, item := range list.Array() {
		in := reader{root: item, at: fmt.Sprintf("topics[%d]", i)}
		s.Topics = append(s.Topics, in.want())
		if in.err != nil && r.err == nil {
			r.err = in.err
		}
	}
	return s
}

func (r *reader) want() Want {
	if r.root.Type == gjson.String {
		return Want{Topic: r.root.String()}
	}
	if !r.root.IsObject() {
		r.fail("", "must be a topic name or an object with topic")
		return Want{}
	}
	w := Want{Topic: r.required("topic"), Snapshot: r.boolean("snapshot"), Presence: r.boolean("presence")}
	w.OldestUnanswered, _ = r.whole("oldest_unanswered")
	switch mode := r.str("mode"); mode {
	case "", "latest":
	case "every":
		w.Mode = ModeEvery
	default:
		r.fail("mode", "%q must be latest or every", mode)
	}
	w.Deltas, w.MaxRate = r.boolean("deltas"), r.rate()
	if w.MaxRate != 0 && w.Mode == ModeEvery {
		r.fail("max_rate", "leaves events out, and mode every asks for each of them")
	}
	w.Position = r.position()
	return w
}

// The bounds of max_rate. A pause is at most 100 seconds long.
const minRate, maxRate = 0.01, 1000

// rate is how often a second a subscription is brought up to date; 0 when it does not
// say.
func (r *reader) rate() float64 {
	v := r.root.Get("max_rate")
	if v.Type == gjson.Null {
		return 0
	}
	if v.Type != gjson.Number || v.Num < minRate || v.Num > maxRate {
		r.fail("max_rate", "must be a number from %g to %d", minRate, int(maxRate))
		return 0
	}
	return v.Num
}

// position is {epoch, version}, or the text form in after; nil when neither is there.
func (r *reader) position() *topics.Position {
	if after := r.str("after"); after != "" {
		p, err := topics.ParsePosition(after)
		if err != nil {
			r.keep(rename(err, "after"))
			return nil
		}
		return &p
	}
	version, ok := r.whole("version")
	epoch := r.epoch()
	switch {
	case !ok && epoch == "":
		return nil
	case !ok:
		r.fail("version", "is missing; a position is epoch and version")
	case epoch == "" && version != 0:
		r.fail("epoch", "is missing; a version means nothing without it")
	}
	return &topics.Position{Epoch: epoch, Version: topics.Version(version)}
}

func (r *reader) epoch() topics.Epoch {
	text := r.str("epoch")
	if text == "" {
		return ""
	}
	epoch, err := topics.ParseEpoch(text)
	r.keep(err)
	return epoch
}

func (r *reader) mutation() topics.Mutation {
	m := topics.Mutation{Epoch: r.epoch(), Client: r.str("client"), TraceID: r.str("trace_id")}
	r.keep(topics.CheckTrace(m.TraceID))
	m.Seq, _ = r.whole("seq")
	m.Needs, _ = r.whole("needs")
	if v, ok := r.whole("if_topic_version"); ok {
		version := topics.Version(v)
		m.IfTopicVersion = &version
	}
	if name := r.str("topic"); name != "" || !r.optional {
		topic, err := topics.ParseName(name)
		r.keep(err)
		m.Topic = topic
	}
	r.lane(&m)
	r.changes(&m)
	return m
}

// lane checks the mutation's place: client and seq together, or neither where
// another identity will do.
func (r *reader) lane(m *topics.Mutation) {
	switch {
	case m.Client == "" && m.Seq == 0 && r.optional:
		return
	case m.Client == "":
		r.fail("client", "is missing; it names the lane that seq counts in")
	case m.Seq == 0:
		r.fail("seq", "is missing; number the mutations of a client on a topic from 1")
	default:
		r.keep(topics.CheckClient(m.Client))
	}
	if m.Needs >= m.Seq && m.Needs != 0 {
		r.fail("needs", "must be an earlier seq of the lane")
	}
}

func (r *reader) changes(m *topics.Mutation) {
	list := r.root.Get("changes")
	if m.Name = r.str("name"); m.Name != "" {
		r.keep(topics.CheckMutatorName(m.Name))
		m.Args = r.raw("args")
		if list.Exists() {
			r.fail("changes", "and name exclude each other: a named mutator makes the changes itself")
		}
		return
	}
	if !list.IsArray() {
		r.fail("changes", "must be an array of {op, entity_id, payload}")
		return
	}
	for i, item := range list.Array() {
		in := reader{root: item, at: fmt.Sprintf("changes[%d]", i)}
		m.Changes = append(m.Changes, in.change())
		if in.err != nil && r.err == nil {
			r.err = in.err
		}
	}
}

func (r *reader) change() topics.Change {
	if !r.root.IsObject() {
		r.fail("", "must be an object")
		return topics.Change{}
	}
	op, err := topics.ParseOp(r.str("op"))
	r.keep(err)
	c := topics.Change{Op: op, EntityID: r.str("entity_id"), Payload: r.raw("payload"), Event: r.str("event"), IfMatch: r.expect()}
	if c.EntityID != "" || op != topics.OpNone {
		r.keep(topics.CheckEntityID(c.EntityID))
	}
	if c.Event != "" {
		r.keep(topics.CheckEventName(c.Event))
	}
	return c
}

// expect reads if_version: a version, or {"seq": n}.
func (r *reader) expect() *topics.Expect {
	v := r.root.Get("if_version")
	if !v.IsObject() {
		version, ok := r.whole("if_version")
		if !ok {
			return nil
		}
		return &topics.Expect{Version: topics.Version(version)}
	}
	in := reader{root: v, at: "if_version"}
	seq, ok := in.whole("seq")
	if in.err != nil || !ok || seq == 0 {
		r.fail("if_version", `must be a version, or {"seq": n} for an earlier mutation of the lane`)
		return nil
	}
	return &topics.Expect{Seq: seq}
}

func rename(err error, field string) error {
	e := *topics.AsError(err)
	e.Field = field
	return &e
}
