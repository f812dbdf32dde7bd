package badger

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	bdg "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Durability is what an answered Append has survived.
type Durability uint8

// The durabilities.
const (
	// Sync: a power cut. The commit is on disk, and the ledger proves it.
	Sync Durability = iota
	// Async: the end of the process, but not a power cut. An unclean stop changes
	// every epoch at the next open, so that no version is used twice.
	Async
)

var durabilities = [...]string{Sync: "sync", Async: "async"}

// String is the durability's name: sync or async.
func (d Durability) String() string { return durabilities[d] }

// ParseDurability reads what String writes.
func ParseDurability(name string) (Durability, error) {
	for d, known := range durabilities {
		if known == name {
			return Durability(d), nil
		}
	}
	return 0, fmt.Errorf("%q must be sync or async", name)
}

// Options of a store. Only Dir has no default.
type Options struct {
	Dir        string // the store's own directory; made with mode 0700 when it is not there
	Durability Durability
	Clock      func() time.Time // nil: time.Now
	Logger     *slog.Logger     // nil: nothing is logged
	// AcceptLoss opens a directory in which acknowledged data is missing, with what
	// is left and with new epochs, so that every client loads again.
	AcceptLoss bool
	// AcceptCopy opens a directory that was copied or restored, with new epochs.
	AcceptCopy bool
	// MinFree is the free space below which writes are refused; 0: the smaller of
	// 5 % of the file system and 1 GiB; negative: no guard.
	MinFree int64
	// Scrub is the time from one reading of the whole store to the next, in which damage
	// is found that nobody has met yet; 0: a day; negative: it is not done.
	Scrub time.Duration
	// CachedHeads is how many heads of written topics stay in memory; 0: 16,384.
	CachedHeads int

	seams seams // tests fail storage calls here
}

// seams are the storage calls that tests make fail. Nil fields do the real thing.
type seams struct {
	commit   func(txn *bdg.Txn, ts uint64) error
	ledger   func(f ledgerFile) ledgerFile
	free     func(dir string) (free, total uint64, err error)
	identify func(f *os.File) (fileID, error)
}

const (
	defaultCachedHeads = 16 << 10
	cachedEntries      = 32 << 10 // entries of the entity index in memory; past it the oldest are read again
)

var errNoDir = errors.New("store: Options.Dir is empty; name the directory the store lives in")

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, errNoDir
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Scrub == 0 {
		o.Scrub = scrubEvery
	}
	if o.CachedHeads == 0 {
		o.CachedHeads = defaultCachedHeads
	}
	if o.seams.commit == nil {
		o.seams.commit = func(txn *bdg.Txn, ts uint64) error { return txn.CommitAt(ts, nil) }
	}
	if o.seams.ledger == nil {
		o.seams.ledger = func(f ledgerFile) ledgerFile { return f }
	}
	if o.seams.free == nil {
		o.seams.free = freeSpace
	}
	if o.seams.identify == nil {
		o.seams.identify = identify
	}
	return o, nil
}

// Sizes of Badger, for a small machine.
const (
	memTableBytes   = 16 << 20
	valueThreshold  = 1 << 20 // above every record: the value log, whose sync errors are lost, is never written
	maxGroupBytes   = 1 << 20 // of the keys and values of one group of requests
	maxRequestBytes = memTableBytes*15/100 - 64<<10
	maxGroup        = 1000 // requests that share a transaction
)

// badgerOptions are chosen for what Badger does when something breaks; FORMAT.md
// says why for each.
func (o Options) badgerOptions(dir string, log bdg.Logger) bdg.Options {
	b := bdg.DefaultOptions(dir)
	b.SyncWrites = o.Durability == Sync
	b.DetectConflicts = false
	b.NumVersionsToKeep = 1
	b.ChecksumVerificationMode = options.OnTableRead
	b.ValueThreshold = valueThreshold
	b.MemTableSize = memTableBytes
	b.NumMemtables = 3
	b.BlockCacheSize = 32 << 20
	b.IndexCacheSize = 32 << 20
	b.ValueLogFileSize = 64 << 20
	b.NumCompactors = 2
	b.NumLevelZeroTables = 10
	b.NumLevelZeroTablesStall = 24
	b.MetricsEnabled = false
	b.Compression = options.Snappy
	b.Logger = log
	return b
}
