package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store/internal/epoch"
)

// formatVersion is the layout of keys and records. A store of a newer one is
// refused.
const formatVersion = 1

// The records there are once per store.
var (
	formatKey      = []byte{spaceMeta, 'f'} // the layout's version
	incarnationKey = []byte{spaceMeta, 'i'} // the key of all epochs
	commitKey      = []byte{spaceMeta, 'c'} // the newest commit; in every transaction
)

// forever is a read timestamp past every commit.
const forever = math.MaxUint64

// commitRecord says that Badger has commit number, and the digest of heads then.
func commitRecord(number, sum uint64) write {
	b := binary.LittleEndian.AppendUint64(nil, number)
	return write{key: commitKey, value: seal(commitKey, spaceMeta, binary.LittleEndian.AppendUint64(b, sum)...)}
}

// meta is what the meta records say.
type meta struct {
	format      uint64
	incarnation epoch.Incarnation
	commit      uint64 // 0: Badger is empty
	sum         uint64 // of all heads as of commit
}

// readMeta reads the meta records as of the newest commit Badger has.
func readMeta(db *bdg.DB) (meta, error) {
	txn := db.NewTransactionAt(forever, false)
	defer txn.Discard()
	var m meta
	commit, err := metaRecord(txn, commitKey)
	if err != nil || commit == nil {
		return m, err
	}
	b := body{rest: commit}
	m.commit, m.sum = b.uint64(), b.uint64()
	format, err := metaRecord(txn, formatKey)
	if err != nil {
		return m, err
	}
	f := body{rest: format}
	m.format = f.uint64()
	incarnation, err := metaRecord(txn, incarnationKey)
	if err != nil {
		return m, err
	}
	if b.err != nil || f.err != nil || copy(m.incarnation[:], incarnation) != len(m.incarnation) {
		return m, errors.New("a record of the store's own is missing or too short")
	}
	return m, nil
}

// metaRecord is the body of a meta record, nil when there is none.
func metaRecord(txn *bdg.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if errors.Is(err, bdg.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	record, err := item.ValueCopy(nil)
	if err != nil {
		return nil, err
	}
	raw, err := unseal(key, spaceMeta, record)
	if err != nil {
		return nil, fmt.Errorf("record %q of the store's own: %w", key, err)
	}
	return raw, nil
}

// identity are the records that begin a life of the store: its layout and the key
// of its epochs.
func identity(in epoch.Incarnation) []write {
	format := binary.LittleEndian.AppendUint64(nil, formatVersion)
	return []write{
		{key: formatKey, value: seal(formatKey, spaceMeta, format...)},
		{key: incarnationKey, value: seal(incarnationKey, spaceMeta, in[:]...)},
	}
}
