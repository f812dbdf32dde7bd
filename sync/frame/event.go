package frame

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Event encodes e for the log: its bytes, and where "data" and the payload lie in
// them. End, Replaces and Kind are the caller's to fill in.
func Event(e topics.Event) store.Event {
	b := make([]byte, 0, 192+len(e.Payload)+len(e.Patch))
	b = append(b, `{"version":`...)
	b = strconv.AppendUint(b, uint64(e.Version), 10)
	b = append(b, `,"event":`...)
	b = appendString(b, e.Name)
	b = append(b, `,"data":`...)
	out := store.Event{Version: e.Version, EntityID: e.EntityID, Millis: e.Time.UnixMilli()}
	out.Data.Start = offset(b)
	b = append(b, `{"entity_id":`...)
	b = appendString(b, e.EntityID)
	b = append(b, payloadMember...)
	if e.Payload == nil {
		b = append(b, `null`...)
	} else {
		out.Payload.Start = offset(b)
		b = append(b, e.Payload...)
		out.Payload.End = offset(b)
	}
	b = append(b, `,"user_id":`...)
	b = appendString(b, e.User)
	b = append(b, `,"timestamp":"`...)
	b = e.Time.UTC().AppendFormat(b, topics.TimeLayout)
	b = append(b, `"}`...)
	out.Data.End = offset(b)
	b = appendOrigin(b, e)
	out.JSON = append(b, '}')
	return out
}

// payloadMember is what stands before the payload in an encoded event.
const payloadMember = `,"payload":`

// appendOrigin appends what follows "data": how the event came to be.
func appendOrigin(b []byte, e topics.Event) []byte {
	if e.Op != topics.OpPut {
		b = append(b, `,"op":"`...)
		b = append(b, e.Op.String()...)
		b = append(b, '"')
	}
	if e.Patch != nil {
		b = append(b, `,"patch":`...)
		b = append(b, e.Patch...)
	}
	if e.Client != "" {
		b = append(b, `,"client":`...)
		b = appendString(b, e.Client)
		b = append(b, `,"seq":`...)
		b = strconv.AppendUint(b, e.Seq, 10)
	}
	if e.TraceID != "" {
		b = append(b, `,"trace_id":`...)
		b = appendString(b, e.TraceID)
	}
	return b
}

// AppendPlain appends the event as plain mode sends it: one envelope that says
// its topic and tenant itself.
func AppendPlain(b []byte, topic store.Topic, e store.Event) []byte {
	fields := gjson.GetManyBytes(e.JSON, "event", "op", "trace_id")
	b = append(b, `{"topic":`...)
	b = appendString(b, string(topic.Name))
	b = append(b, `,"event":`...)
	b = append(b, fields[0].Raw...)
	b = append(b, `,"data":`...)
	b = appendTenantData(b, topic.Tenant, e)
	if fields[1].Exists() {
		b = append(b, `,"op":`...)
		b = append(b, fields[1].Raw...)
	}
	b = append(b, `,"trace_id":`...)
	if fields[2].Exists() {
		b = append(b, fields[2].Raw...)
	} else {
		b = append(b, `""`...)
	}
	b = append(b, `,"version":`...)
	b = strconv.AppendUint(b, uint64(e.Version), 10)
	return append(b, '}')
}

// AppendFlat appends the event for clients that dispatch on type: the event's name
// in "type" and the payload's fields beside it. Where the payload has a field that
// the envelope has too, the envelope's wins. A payload that is not an object
// stands in "payload".
func AppendFlat(b []byte, topic store.Topic, e store.Event) []byte {
	b = append(b, `{"type":`...)
	b = append(b, gjson.GetBytes(e.JSON, "event").Raw...)
	b = append(b, `,"topic":`...)
	b = appendString(b, string(topic.Name))
	b = append(b, `,"version":`...)
	b = strconv.AppendUint(b, uint64(e.Version), 10)
	b = append(b, `,"entity_id":`...)
	b = appendString(b, e.EntityID)
	payload := gjson.ParseBytes(e.PayloadJSON())
	switch {
	case payload.IsObject():
		payload.ForEach(func(key, value gjson.Result) bool {
			switch key.Str {
			case "type", "topic", "version", "entity_id":
			default:
				b = append(b, ',')
				b = append(b, key.Raw...)
				b = append(b, ':')
				b = append(b, value.Raw...)
			}
			return true
		})
	case payload.Exists():
		b = append(b, `,"payload":`...)
		b = append(b, payload.Raw...)
	}
	return append(b, '}')
}

// appendTenantData splices tenant_id into the data object, after user_id.
func appendTenantData(b []byte, tenant topics.Tenant, e store.Event) []byte {
	const tail = len(`,"timestamp":"`) + len(topics.TimeLayout) + len(`"}`)
	data := e.DataJSON()
	cut := len(data) - tail
	b = append(b, data[:cut]...)
	b = append(b, `,"tenant_id":"`...)
	b = append(b, tenant...)
	b = append(b, '"')
	return append(b, data[cut:]...)
}

// AppendEntity appends the event as a snapshot lists it: its data with its version.
func AppendEntity(b []byte, version topics.Version, data []byte) []byte {
	b = append(b, `{"version":`...)
	b = strconv.AppendUint(b, uint64(version), 10)
	b = append(b, ',')
	return append(b, data[1:]...)
}

// Payload is the payload within an encoded data object.
func Payload(data []byte) json.RawMessage {
	return json.RawMessage(gjson.GetBytes(data, "payload").Raw)
}

func appendString(b []byte, s string) []byte { return gjson.AppendJSONString(b, s) }

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, topics.TimeLayout)
	return append(b, '"')
}

func offset(b []byte) uint32 { return uint32(len(b)) } //nolint:gosec // a record is far below 4 GiB
