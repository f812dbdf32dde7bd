package badger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	bdg "github.com/dgraph-io/badger/v4"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/internal/epoch"
)

// Why Open refuses a directory. The text says what to do.
var (
	ErrLoss = errors.New("store: acknowledged data is missing; restore the directory, or open it with AcceptLoss, " +
		"which keeps what is left and makes every client load again")
	ErrCopy = errors.New("store: this directory is a copy of another one; open it with AcceptCopy, " +
		"which makes every client load again")
	ErrInUse = errors.New("store: another process has this directory open; stop it, or choose another directory")
	ErrNewer = errors.New("store: the directory was written by a newer Lockstep; upgrade this program")
)

// badgerDir is where Badger lives within the store's directory.
const badgerDir = "badger"

// Open opens the store in opts.Dir, making it when there is none. It proves first
// that nothing that was ever acknowledged is missing (P12).
func Open(opts Options) (*Store, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(opts.Dir, badgerDir), 0o700); err != nil {
		return nil, fmt.Errorf("store: making its directory: %w", err)
	}
	var room space
	room.init(opts)
	if err := room.openable(); err != nil {
		return nil, err
	}
	o := opening{opts: opts, log: &badgerLog{log: opts.Logger}}
	s, err := o.open()
	if err != nil {
		return nil, errors.Join(err, o.undo())
	}
	return s, nil
}

// opening is what Open has in its hands, step by step.
type opening struct {
	opts   Options
	log    *badgerLog
	file   *os.File // the ledger's, which also locks the directory
	id     fileID   // who the file is
	ledger *ledger
	db     *bdg.DB
	meta   meta
	proven proof  // the newest record of the ledger; zero when there is none
	sum    uint64 // of all heads as of meta.commit

	renew string // why every epoch must change; empty: they stay
	lost  bool   // records are missing, so topics may be broken
	// salvage begins with what is left instead of asking Badger first.
	salvage bool
}

func (o *opening) open() (*Store, error) {
	if err := inOrder(o.openLedger, o.checkOwner, o.prove, o.proveSalvaged); err != nil {
		return nil, err
	}
	s, err := o.assemble()
	if err != nil {
		return nil, err
	}
	if o.lost && o.opts.AcceptLoss {
		if err := s.mend(context.Background()); err != nil {
			return nil, fmt.Errorf("store: mending topics: %w", err)
		}
	}
	s.sweeper.start(s)
	s.scrubber.start(s, o.opts.Scrub)
	return s, nil
}

// prove opens Badger and holds it to the ledger.
func (o *opening) prove() error {
	return inOrder(o.openBadger, o.readIdentity, o.readProof, o.checkProof)
}

// proveSalvaged begins again where a loss was accepted and tables are left that the
// manifest had lost: with them. At the end nothing is kept twice.
func (o *opening) proveSalvaged() error {
	dir := filepath.Join(o.opts.Dir, badgerDir)
	if !o.lost || !hasUnlisted(dir) {
		return dropUnlisted(dir)
	}
	err := o.db.Close()
	o.db = nil
	if err != nil {
		return fmt.Errorf("store: closing badger: %w", err)
	}
	o.salvage = true
	if err := o.prove(); err != nil {
		return err
	}
	return dropUnlisted(dir)
}

// inOrder runs steps until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// undo releases what a failed Open holds.
func (o *opening) undo() error {
	var errs []error
	if o.db != nil {
		errs = append(errs, o.db.Close())
	}
	if o.file != nil {
		errs = append(errs, o.file.Close())
	}
	return errors.Join(errs...)
}

// openLedger opens the ledger's file, or makes an empty one, and locks it.
func (o *opening) openLedger() error {
	path := filepath.Join(o.opts.Dir, ledgerName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("store: opening the commit ledger: %w", err)
	}
	o.file = f
	if err := lockFile(f); err != nil {
		return fmt.Errorf("%w (%w)", ErrInUse, err)
	}
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("store: opening the commit ledger: %w", err)
	}
	if o.id, err = o.opts.seams.identify(f); err != nil {
		return fmt.Errorf("store: looking at the commit ledger: %w", err)
	}
	o.ledger = &ledger{file: o.opts.seams.ledger(dataFile{f})}
	if st.Size() == 0 || o.unfinished() {
		if err := makeLedger(f, o.id); err != nil {
			return fmt.Errorf("store: making the commit ledger: %w", err)
		}
	}
	return nil
}

// unfinished reports whether a process ended while it made the ledger: nothing is
// proven, and Badger is not there yet.
func (o *opening) unfinished() bool {
	_, proofErr := o.ledger.newest()
	_, statErr := os.Stat(filepath.Join(o.opts.Dir, badgerDir, bdg.ManifestFilename))
	return errors.Is(proofErr, errNoProof) && errors.Is(statErr, fs.ErrNotExist)
}

// checkOwner refuses a ledger that was copied here, with everything around it.
func (o *opening) checkOwner() error {
	h, err := o.ledger.readHeader()
	if err != nil && !errors.Is(err, errHeader) {
		return fmt.Errorf("%w: %w", ErrNewer, err)
	}
	if err == nil && h.id == o.id {
		return nil
	}
	reason := "the directory was copied"
	if err != nil {
		reason = err.Error()
	}
	if !o.opts.AcceptCopy && !o.opts.AcceptLoss {
		return fmt.Errorf("%w (%s)", ErrCopy, reason)
	}
	o.renew = reason
	return signLedger(o.file, o.id)
}

// openBadger opens Badger after looking at its tables, and after syncing what a
// killed process may have left in the page cache of its write-ahead logs: what is
// read from them is built upon.
func (o *opening) openBadger() error {
	dir := filepath.Join(o.opts.Dir, badgerDir)
	if err := syncLogs(dir); err != nil {
		return fmt.Errorf("store: syncing write-ahead logs: %w", err)
	}
	damaged, err := checkTables(dir)
	if err != nil {
		return fmt.Errorf("store: looking at tables: %w", err)
	}
	switch {
	case len(damaged) > 0 && !o.opts.AcceptLoss:
		return fmt.Errorf("%w (damaged tables: %s)", ErrLoss, strings.Join(damaged, ", "))
	case len(damaged) == 0 && !o.salvage:
		if err := keepUnlisted(dir, o.opts.badgerOptions(dir, o.log)); err != nil {
			return fmt.Errorf("store: keeping tables: %w", err)
		}
		if o.db, err = o.tryBadger(dir); !errors.Is(err, ErrLoss) || !o.opts.AcceptLoss {
			return err
		}
	}
	o.renew, o.lost = "damaged files were set aside", true
	if err := salvage(dir, damaged); err != nil {
		return fmt.Errorf("store: setting damaged files aside: %w", err)
	}
	if o.db, err = o.tryBadger(dir); err == nil {
		return nil
	}
	// What is left to blame are the write-ahead logs.
	if err := errors.Join(putAsideAll(dir, "*.mem"), rebuildManifest(dir)); err != nil {
		return fmt.Errorf("store: setting damaged files aside: %w", err)
	}
	o.db, err = o.tryBadger(dir)
	return err
}

// tryBadger opens Badger. What it cannot open is a loss, unless it says otherwise.
func (o *opening) tryBadger(dir string) (db *bdg.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%w (badger: %v)", ErrLoss, p)
		}
	}()
	db, err = bdg.OpenManaged(o.opts.badgerOptions(dir, o.log))
	switch {
	case err == nil:
		return db, nil
	case strings.Contains(err.Error(), "Cannot acquire directory lock"):
		return nil, fmt.Errorf("%w (%w)", ErrInUse, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("store: opening badger: %w", err)
	}
	return nil, fmt.Errorf("%w (badger does not open: %w)", ErrLoss, err)
}

// syncLogs syncs every write-ahead log in Badger's directory.
func syncLogs(dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	for _, path := range logs {
		f, openErr := os.Open(path)
		if openErr != nil {
			return openErr
		}
		err = errors.Join(err, f.Sync(), f.Close())
	}
	return err
}

// firstCommit is the one that makes a store.
const firstCommit = 1

// assemble makes the store at the commit Badger has, and writes what the opening
// has to say: a first identity, or a new one.
func (o *opening) assemble() (*Store, error) {
	heads, err := lru.New[store.Topic, head](o.opts.CachedHeads)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{
		opts: o.opts, clock: o.opts.Clock, log: o.opts.Logger, db: o.db, ledger: o.ledger,
		incarnation: o.meta.incarnation, heads: heads, closing: make(chan struct{}),
	}
	var errs [3]error
	s.entries, errs[0] = newEntries(cachedEntries)
	s.tallies, errs[1] = newTallies()
	s.expiry, errs[2] = newExpiry()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s.space.init(o.opts)
	s.newest = max(o.meta.commit, o.proven.commit)
	if o.lost {
		s.newest = max(s.newest, o.db.MaxVersion())
	}
	s.sum = o.sum
	if s.newest == 0 || o.renew != "" {
		if o.renew != "" {
			s.log.Warn("every epoch changes: all clients load again", "reason", o.renew)
		}
		s.incarnation = epoch.New()
		if err := s.writeIdentity(); err != nil {
			return nil, err
		}
	}
	s.opened = s.newest
	s.durable.Store(s.newest)
	s.runs.note(s.clock(), s.newest, s.db)
	return s, s.ledger.prove(proof{commit: s.newest, digest: s.sum, async: s.opts.Durability == Async})
}

// writeIdentity commits the store's incarnation.
func (s *Store) writeIdentity() error {
	txn := s.db.NewTransactionAt(s.newest, true)
	defer txn.Discard()
	b := batch{s: s, txn: txn, number: s.newest + 1, sum: s.sum}
	if err := b.write(identity(s.incarnation)); err != nil {
		return err
	}
	if err := b.finish(); err != nil {
		return err
	}
	if err := txn.CommitAt(b.number, nil); err != nil {
		return fmt.Errorf("store: writing its identity: %w", err)
	}
	s.newest = b.number
	if s.opts.Durability == Async {
		return s.db.Sync()
	}
	return nil
}
