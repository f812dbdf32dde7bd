package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// recordVersion is the first byte of every record. A record with a greater one was
// written by a newer program, which Open refuses before it comes to that.
const recordVersion = 1

// recordFrame is the bytes of a record around its body: version, kind, checksum.
const recordFrame = 1 + 1 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errShort = errors.New("the record ends before its body does")

// sealedSum is the checksum of a record: over version, kind and body, then the key,
// so that a record that was moved under another key is found out too.
func sealedSum(frame, key []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame, castagnoli), castagnoli, key)
}

// seal makes the record of a body.
func seal(key []byte, kind byte, body ...byte) []byte {
	b := make([]byte, 0, len(body)+recordFrame)
	b = append(append(b, recordVersion, kind), body...)
	return binary.LittleEndian.AppendUint32(b, sealedSum(b, key))
}

// unseal returns the body of a record of the kind that lies under key, or says how
// the record is not what was written.
func unseal(key []byte, kind byte, record []byte) ([]byte, error) {
	if len(record) < recordFrame {
		return nil, fmt.Errorf("a record of %d bytes is no record", len(record))
	}
	frame, sum := record[:len(record)-4], binary.LittleEndian.Uint32(record[len(record)-4:])
	switch {
	case sealedSum(frame, key) != sum:
		return nil, errors.New("its checksum does not match")
	case frame[0] != recordVersion:
		return nil, fmt.Errorf("record version %d is unknown", frame[0])
	case frame[1] != kind:
		return nil, fmt.Errorf("its kind is %q; want %q", frame[1], kind)
	}
	return frame[2:], nil
}

// body reads the numbers and strings of a record's body. After a short read
// everything is zero and err is set.
type body struct {
	rest []byte
	err  error
}

func (b *body) uvarint() uint64 {
	n, size := binary.Uvarint(b.rest)
	if size <= 0 {
		b.fail()
		return 0
	}
	b.rest = b.rest[size:]
	return n
}

func (b *body) uint64() uint64 {
	if len(b.rest) < 8 {
		b.fail()
		return 0
	}
	n := binary.LittleEndian.Uint64(b.rest)
	b.rest = b.rest[8:]
	return n
}

func (b *body) byte() byte {
	if len(b.rest) == 0 {
		b.fail()
		return 0
	}
	c := b.rest[0]
	b.rest = b.rest[1:]
	return c
}

func (b *body) bytes() []byte {
	n := b.uvarint()
	if n > uint64(len(b.rest)) {
		b.fail()
		return nil
	}
	s := b.rest[:n]
	b.rest = b.rest[n:]
	return s
}

func (b *body) fail() { b.rest, b.err = nil, errShort }
