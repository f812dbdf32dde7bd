package badger

import (
	"encoding/binary"
	"fmt"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// appendEvent writes version, kind and body of an event's record; the checksum and
// the version, which is in the key, are the caller's.
func appendEvent(b []byte, e store.Event) []byte {
	b = append(b, recordVersion, kindLog, byte(e.Kind))
	b = binary.AppendUvarint(b, uint64(e.Replaces))
	b = binary.AppendUvarint(b, uint64(e.End-e.Version))
	b = binary.AppendUvarint(b, uint64(e.Millis))
	b = binary.AppendUvarint(b, e.Customs)
	for _, n := range [...]uint32{e.Data.Start, e.Data.End, e.Payload.Start, e.Payload.End} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.AppendUvarint(b, uint64(len(e.EntityID)))
	b = append(b, e.EntityID...)
	return append(b, e.JSON...)
}

// decodeEvent reads the event under key. What it returns shares nothing with record.
func decodeEvent(key, record []byte) (store.Event, error) {
	raw, err := unseal(key, kindLog, record)
	if err != nil {
		return store.Event{}, err
	}
	b := body{rest: raw}
	e := store.Event{Version: versionOf(key), Kind: store.Kind(b.byte())}
	e.Replaces = topics.Version(b.uvarint())
	e.End = e.Version + topics.Version(b.uvarint())
	e.Millis = int64(b.uvarint())
	e.Customs = b.uvarint()
	e.Data.Start, e.Data.End = uint32(b.uvarint()), uint32(b.uvarint())
	e.Payload.Start, e.Payload.End = uint32(b.uvarint()), uint32(b.uvarint())
	e.EntityID = string(b.bytes())
	if b.err != nil {
		return store.Event{}, b.err
	}
	e.JSON = append([]byte(nil), b.rest...)
	for _, s := range [...]store.Span{e.Data, e.Payload} {
		if s.Start > s.End || int(s.End) > len(e.JSON) {
			return store.Event{}, fmt.Errorf("span [%d, %d) is outside its %d bytes", s.Start, s.End, len(e.JSON))
		}
	}
	return e, nil
}

// entry is what the entity index knows of an entity: where its entry in the last
// list is, and whether that is a live row.
type entry struct {
	version topics.Version // 0: the entity has no entry
	kind    store.Kind
}

func (e entry) live() bool { return e.kind == store.KindRow }

func encodeEntry(b []byte, e entry) []byte {
	return binary.AppendUvarint(append(b, recordVersion, kindEntity, byte(e.kind)), uint64(e.version))
}

func decodeEntry(key, record []byte) (entry, error) {
	raw, err := unseal(key, kindEntity, record)
	if err != nil {
		return entry{}, err
	}
	b := body{rest: raw}
	e := entry{kind: store.Kind(b.byte()), version: topics.Version(b.uvarint())}
	return e, b.err
}
