package badger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

// The commit ledger is a file of fixed size beside Badger: a header block and a
// ring of records. A record is written and synced after Badger's commit returned,
// so it proves that Badger had synced that commit. FORMAT.md draws the bytes.
const (
	ledgerName   = "commits.ledger"
	ledgerMagic  = "LSLEDGER"
	ledgerLayout = 1
	headerBytes  = 4096
	recordBytes  = 64
	ledgerSlots  = 1024
	ledgerBytes  = headerBytes + ledgerSlots*recordBytes
)

// ledgerFile is what the ledger does with its file.
type ledgerFile interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Close() error
}

// proof is one record: Badger had synced the commit, and the sum over the hashes of
// all heads was the digest.
type proof struct {
	seq    uint64 // of the record, from 1; the greatest counts
	commit uint64
	digest uint64
	async  bool // the store was running without syncs
	clean  bool // the store was closed
}

const (
	flagAsync = 1 << iota
	flagClean
)

// encode makes the record for its slot. The checksum covers the slot too.
func (p proof) encode() []byte {
	b := make([]byte, 0, recordBytes)
	b = binary.LittleEndian.AppendUint64(b, p.seq)
	b = binary.LittleEndian.AppendUint64(b, p.commit)
	b = binary.LittleEndian.AppendUint64(b, p.digest)
	var flags byte
	if p.async {
		flags |= flagAsync
	}
	if p.clean {
		flags |= flagClean
	}
	b = append(b, flags)
	b = b[:recordBytes-4]
	return binary.LittleEndian.AppendUint32(b, recordSum(b, p.seq%ledgerSlots))
}

func recordSum(b []byte, slot uint64) uint32 {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], slot)
	return crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, n[:])
}

// decodeProof reads the record in a slot; false when there is no whole one.
func decodeProof(b []byte, slot uint64) (proof, bool) {
	if recordSum(b[:recordBytes-4], slot) != binary.LittleEndian.Uint32(b[recordBytes-4:]) {
		return proof{}, false
	}
	p := proof{
		seq:    binary.LittleEndian.Uint64(b),
		commit: binary.LittleEndian.Uint64(b[8:]),
		digest: binary.LittleEndian.Uint64(b[16:]),
		async:  b[24]&flagAsync != 0,
		clean:  b[24]&flagClean != 0,
	}
	return p, p.seq > 0 && p.seq%ledgerSlots == slot
}

// ledger is the open file. prove is called in the order of commits, by one at a time.
type ledger struct {
	file ledgerFile // its lock holds the directory

	mu   sync.Mutex
	last proof // the newest record
}

var errNoProof = errors.New("the ledger holds no whole record")

// newest is the record with the greatest seq, wherever in the ring it is: a damaged
// one hides only itself.
func (l *ledger) newest() (proof, error) {
	ring := make([]byte, ledgerSlots*recordBytes)
	if _, err := l.file.ReadAt(ring, headerBytes); err != nil && !errors.Is(err, io.EOF) {
		return proof{}, fmt.Errorf("reading: %w", err)
	}
	var best proof
	for slot := range uint64(ledgerSlots) {
		if p, ok := decodeProof(ring[slot*recordBytes:][:recordBytes], slot); ok && p.seq > best.seq {
			best = p
		}
	}
	if best.seq == 0 {
		return proof{}, errNoProof
	}
	return best, nil
}

// prove writes the next record and syncs it.
func (l *ledger) prove(p proof) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.seq = l.last.seq + 1
	at := headerBytes + int64(p.seq%ledgerSlots)*recordBytes
	if _, err := l.file.WriteAt(p.encode(), at); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.last = p
	return nil
}

func (l *ledger) close() error { return l.file.Close() }

// header is the first block: whose file this is.
type header struct{ id fileID }

// fileID tells a file from its copy. The device's number is not part of it: it can
// change when a machine starts, and a copied block device keeps all three anyway.
type fileID struct {
	Inode uint64
	Birth int64 // nanoseconds; 0 where the file system does not tell
}

func (h header) encode() []byte {
	b := append(make([]byte, 0, headerBytes), ledgerMagic...)
	b = binary.LittleEndian.AppendUint64(b, ledgerLayout)
	b = binary.LittleEndian.AppendUint64(b, h.id.Inode)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.id.Birth))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

const headerUsed = len(ledgerMagic) + 3*8 + 4

var errHeader = errors.New("the ledger's header is damaged")

func decodeHeader(b []byte) (header, error) {
	sum := binary.LittleEndian.Uint32(b[headerUsed-4:])
	if crc32.Checksum(b[:headerUsed-4], castagnoli) != sum || !bytes.HasPrefix(b, []byte(ledgerMagic)) {
		return header{}, errHeader
	}
	b = b[len(ledgerMagic):]
	if layout := binary.LittleEndian.Uint64(b); layout != ledgerLayout {
		return header{}, fmt.Errorf("the ledger has layout %d; this program knows %d", layout, ledgerLayout)
	}
	return header{fileID{Inode: binary.LittleEndian.Uint64(b[8:]), Birth: int64(binary.LittleEndian.Uint64(b[16:]))}}, nil
}

// readHeader is the file's header, or errHeader.
func (l *ledger) readHeader() (header, error) {
	b := make([]byte, headerUsed)
	if _, err := l.file.ReadAt(b, 0); err != nil {
		return header{}, errHeader
	}
	return decodeHeader(b)
}

// makeLedger lays out an empty ledger in f, every byte of it on disk, so that a
// later record needs no change of the file's size.
func makeLedger(f *os.File, id fileID) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, ledgerBytes), 0); err != nil {
		return err
	}
	return signLedger(f, id)
}

// signLedger writes the header for the file that id is.
func signLedger(f *os.File, id fileID) error {
	if _, err := f.WriteAt(header{id}.encode(), 0); err != nil {
		return err
	}
	return f.Sync()
}
