package badger

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/internal/epoch"
	"github.com/lockstep-sync/lockstep/topics"
)

// head is a topic's head and what the store keeps beside it.
type head struct {
	store.Head
	birth  uint64 // commit number of the incarnation's first commit; 0: the topic has none
	buried uint64 // commit number of the last deletion; 0: there was none. It makes the genesis epoch
	moved  uint64 // commit number of the last Append, or deletion
	digest uint64 // sum of rowHash over the live rows
	// swept and sweptTombstones are how far removal below the floors has come.
	swept, sweptTombstones topics.Version
	// changed is the commit number the record was written with; not in its bytes.
	changed uint64
	// hash is headHash of the record as it lies in Badger; 0: there is none.
	hash uint64
}

// genesisHead is the head of a topic without commits, after its last deletion.
func genesisHead(in epoch.Incarnation, topic store.Topic, buried uint64) head {
	e := in.Of(topic, buried)
	return head{Head: store.Head{Position: topics.Position{Epoch: e}, Genesis: e}, buried: buried, moved: buried}
}

// encode makes the head's record. Epochs are not in it: they follow from the birth.
func (h *head) encode(key []byte) []byte {
	b := make([]byte, 0, 96)
	b = append(b, recordVersion, spaceHead)
	for _, n := range [...]uint64{
		uint64(h.Version), h.birth, h.buried, h.moved, uint64(h.Retention), uint64(h.Tombstones), uint64(h.swept), uint64(h.sweptTombstones),
		uint64(h.Rows), h.Customs, uint64(h.Millis),
	} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.LittleEndian.AppendUint64(b, h.digest)
	return binary.LittleEndian.AppendUint32(b, sealedSum(b, key))
}

func decodeHead(in epoch.Incarnation, topic store.Topic, key, record []byte) (head, error) {
	raw, err := unseal(key, spaceHead, record)
	if err != nil {
		return head{}, err
	}
	b := body{rest: raw}
	version, birth, buried := topics.Version(b.uvarint()), b.uvarint(), b.uvarint()
	h := genesisHead(in, topic, buried)
	h.Version, h.birth, h.moved = version, birth, b.uvarint()
	h.Retention, h.Tombstones = topics.Version(b.uvarint()), topics.Version(b.uvarint())
	h.swept, h.sweptTombstones = topics.Version(b.uvarint()), topics.Version(b.uvarint())
	h.Rows, h.Customs, h.Millis = int64(b.uvarint()), b.uvarint(), int64(b.uvarint())
	h.digest = b.uint64()
	if h.birth != 0 {
		h.Epoch = in.Of(topic, h.birth)
	}
	h.hash = headHash(key, record)
	return h, b.err
}

// headHash is a head's part of the ledger's digest, which is the sum over all heads.
func headHash(key, record []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(key)
	_, _ = d.Write(record)
	return d.Sum64()
}

// rowHash is a live row's part of its topic's digest.
func rowHash(entityID string, version topics.Version) uint64 {
	var d xxhash.Digest
	d.Reset()
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(version))
	_, _ = d.Write(n[:])
	_, _ = d.WriteString(entityID)
	return d.Sum64()
}
