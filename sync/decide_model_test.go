package statesync

import (
	"encoding/json"
	"maps"

	"github.com/lockstep-sync/lockstep/topics"
)

// plain is the decision core as one would write it without a store, a log or bytes: a
// map, and a list of outcomes per lane.
type plain struct {
	head  topics.Version
	rows  map[string]plainRow
	lanes map[string][]plainOutcome
}

// plainRow is a row, or what its deletion has left behind.
type plainRow struct {
	value   map[string]int
	version topics.Version
	gone    bool
}

type plainOutcome struct {
	asked   string
	status  topics.Status
	code    topics.Code
	version topics.Version
}

func newPlain() *plain {
	return &plain{rows: make(map[string]plainRow), lanes: make(map[string][]plainOutcome)}
}

func asked(m topics.Mutation) string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// decide is what becomes of a mutation.
func (p *plain) decide(m topics.Mutation) plainOutcome {
	lane := p.lanes[m.Client]
	switch last := uint64(len(lane)); {
	case m.Seq > last+1 && last == 0:
		return plainOutcome{status: topics.StatusRejected, code: topics.CodeExpired}
	case m.Seq > last+1:
		return plainOutcome{status: topics.StatusRejected, code: topics.CodeGap}
	case m.Seq <= last && lane[m.Seq-1].asked != asked(m):
		return plainOutcome{status: topics.StatusRejected, code: topics.CodeSeqReused}
	case m.Seq <= last:
		o := lane[m.Seq-1]
		if o.status == topics.StatusApplied {
			o.status = topics.StatusDuplicate
		}
		return o
	}
	o := plainOutcome{asked: asked(m), status: topics.StatusApplied}
	rows, head, code := p.evaluate(m)
	switch {
	case code != "":
		o.status, o.code = topics.StatusRejected, code
	case head == p.head:
		o.status = topics.StatusUnchanged
	default:
		p.rows, p.head = rows, head
	}
	o.version = p.head
	p.lanes[m.Client] = append(lane, o)
	return o
}

// evaluate is the rows and the head after a mutation, or why it is refused.
func (p *plain) evaluate(m topics.Mutation) (map[string]plainRow, topics.Version, topics.Code) {
	lane := p.lanes[m.Client]
	if m.IfTopicVersion != nil && *m.IfTopicVersion != p.head {
		return nil, 0, topics.CodeConflict
	}
	if m.Needs != 0 && lane[m.Needs-1].status == topics.StatusRejected {
		return nil, 0, topics.CodeNeeds
	}
	rows, head := maps.Clone(p.rows), p.head
	for _, c := range m.Changes {
		row := rows[c.EntityID]
		if code := p.expect(c.IfMatch, row, lane); code != "" {
			return nil, 0, code
		}
		next, changed, code := row.after(c)
		if code != "" {
			return nil, 0, code
		}
		if changed {
			head++
			if next.version = head; c.Op != topics.OpNone {
				rows[c.EntityID] = next
			}
		}
	}
	return rows, head, ""
}

func (p *plain) expect(e *topics.Expect, row plainRow, lane []plainOutcome) topics.Code {
	at := row.version
	if row.gone {
		at = 0
	}
	switch {
	case e == nil:
	case e.Seq > uint64(len(lane)):
		return topics.CodeInvalid
	case e.Seq != 0 && (lane[e.Seq-1].status == topics.StatusRejected || row.version > lane[e.Seq-1].version):
		return topics.CodeConflict
	case e.Seq == 0 && e.Version != at:
		return topics.CodeConflict
	}
	return ""
}

// after is the row after one change.
func (r plainRow) after(c topics.Change) (next plainRow, changed bool, code topics.Code) {
	exists := r.version != 0 && !r.gone
	var body map[string]int
	if len(c.Payload) > 0 {
		if err := json.Unmarshal(c.Payload, &body); err != nil {
			panic(err)
		}
	}
	switch c.Op {
	case topics.OpNone:
		return r, true, ""
	case topics.OpDelete:
		return plainRow{gone: true}, exists, ""
	case topics.OpPatch:
		if !exists {
			return r, false, topics.CodeNotFound
		}
		merged := maps.Clone(r.value)
		maps.Copy(merged, body)
		body = merged
	case topics.OpPut, topics.OpJSONPatch:
	}
	return plainRow{value: body}, !exists || !maps.Equal(body, r.value), ""
}
