package badger

import (
	"encoding/binary"

	"github.com/lockstep-sync/lockstep/store"
)

// writer lays keys and records of one request into one buffer.
type writer struct {
	prefix []byte
	buf    []byte
	writes []write
}

// event writes an event to the log and, as the newest of its entity, to the last
// list and the index.
func (w *writer) event(e store.Event, newest bool) {
	record := func(b []byte) []byte { return appendEvent(b, e) }
	w.put(func(b []byte) []byte { return appendVersion(b, kindLog, e.Version) }, record)
	if !newest {
		return
	}
	w.put(func(b []byte) []byte { return appendVersion(b, kindLast, e.Version) }, record)
	w.put(func(b []byte) []byte { return appendEntity(b, e.EntityID) },
		func(b []byte) []byte { return encodeEntry(b, entry{version: e.Version, kind: e.Kind}) })
}

// put adds a record; key and record append to what they are given.
func (w *writer) put(key, record func([]byte) []byte) {
	k := w.key(key)
	from := len(w.buf)
	w.buf = record(w.buf)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, sealedSum(w.buf[from:], k))
	w.writes = append(w.writes, write{key: k, value: w.buf[from:len(w.buf):len(w.buf)]})
}

// drop removes what lies under key.
func (w *writer) drop(key func([]byte) []byte) {
	w.writes = append(w.writes, write{key: w.key(key)})
}

func (w *writer) key(key func([]byte) []byte) []byte {
	from := len(w.buf)
	w.buf = key(append(w.buf, w.prefix...))
	return w.buf[from:len(w.buf):len(w.buf)]
}
