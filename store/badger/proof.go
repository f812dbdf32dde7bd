package badger

import (
	"errors"
	"fmt"
	"strings"

	bdg "github.com/dgraph-io/badger/v4"
)

// readIdentity reads who the store is.
func (o *opening) readIdentity() error {
	if tables := o.log.leftOut(); len(tables) > 0 && !o.opts.AcceptLoss {
		return fmt.Errorf("%w (tables with a wrong checksum: %s)", ErrLoss, strings.Join(tables, ", "))
	}
	m, err := readMeta(o.db)
	if err != nil && !o.opts.AcceptLoss {
		return fmt.Errorf("%w (%w)", ErrLoss, err)
	}
	if err == nil && m.format > formatVersion {
		return fmt.Errorf("%w (format %d; this program knows %d)", ErrNewer, m.format, formatVersion)
	}
	if err != nil || len(o.log.leftOut()) > 0 {
		o.renew, o.lost = "records were lost", true
	}
	o.meta = m
	return nil
}

// readProof reads what the ledger knows to have been acknowledged.
func (o *opening) readProof() error {
	p, err := o.ledger.newest()
	o.proven, o.ledger.last = p, p
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoProof) && o.meta.commit == 0:
		return nil // an empty store: nobody was ever answered
	case errors.Is(err, errNoProof) && o.meta.commit == firstCommit:
		return nil // the process ended while it made the store
	case o.opts.AcceptLoss:
		o.renew, o.lost = "the commit ledger was lost", true
		return nil
	}
	return fmt.Errorf("%w (commit ledger: %w)", ErrLoss, err)
}

// checkProof holds Badger to the ledger. Being ahead of it is normal after a crash.
func (o *opening) checkProof() error {
	reason, err := o.missing()
	if err != nil {
		return fmt.Errorf("%w (reading heads: %w)", ErrLoss, err)
	}
	switch {
	case reason != "" && !o.opts.AcceptLoss:
		return fmt.Errorf("%w (%s)", ErrLoss, reason)
	case reason != "":
		o.renew, o.lost = reason, true
	case o.proven.async && !o.proven.clean:
		o.renew = "the store ran in async mode and was not closed"
	}
	return nil
}

// missing says what acknowledged data is not there; empty: all of it is.
func (o *opening) missing() (string, error) {
	var err error
	if o.sum, err = sumHeads(o.db, forever); err != nil {
		return "", err
	}
	switch {
	case o.meta.commit < o.proven.commit:
		return fmt.Sprintf("badger has %d of %d commits", o.meta.commit, o.proven.commit), nil
	case o.meta.sum != o.sum:
		return fmt.Sprintf("the topics are not the ones of commit %d, the newest", o.meta.commit), nil
	case o.proven.seq == 0:
		return "", nil
	}
	proven := o.sum
	if o.meta.commit > o.proven.commit {
		if proven, err = sumHeads(o.db, o.proven.commit); err != nil {
			return "", err
		}
	}
	if proven != o.proven.digest {
		return fmt.Sprintf("the topics as of commit %d are not the ones that were proven", o.proven.commit), nil
	}
	return "", nil
}

// sumHeads is the sum of the hashes of all heads as of a commit.
func sumHeads(db *bdg.DB, at uint64) (uint64, error) {
	txn := db.NewTransactionAt(at, false)
	defer txn.Discard()
	prefix := []byte{spaceHead}
	it := txn.NewIterator(bdg.IteratorOptions{Prefix: prefix})
	defer it.Close()
	var sum uint64
	for it.Seek(prefix); it.ValidForPrefix(prefix); it.Next() {
		item := it.Item()
		if err := item.Value(func(record []byte) error {
			sum += headHash(item.Key(), record)
			return nil
		}); err != nil {
			return 0, err
		}
	}
	return sum, nil
}
