package badger

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	bdg "github.com/dgraph-io/badger/v4"

	"github.com/lockstep-sync/lockstep/store"
)

func epochAt(t *testing.T, s *Store) string {
	t.Helper()
	h, err := s.Head(t.Context(), fixtureTopic(0))
	if err != nil {
		t.Fatal(err)
	}
	return string(h.Epoch)
}

// A second store on the same directory is refused, in this process and in another.
func TestOpenTwice(t *testing.T) {
	const env = "LOCKSTEP_OPEN_TWICE"
	if dir := os.Getenv(env); dir != "" {
		if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrInUse) {
			t.Fatalf("another process opens it: %v", err)
		}
		return
	}
	dir := t.TempDir()
	openAt(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("opening twice: %v; want ErrInUse", err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOpenTwice$")
	cmd.Env = append(os.Environ(), env+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A copied directory is told apart; accepting it changes every epoch, once (P12).
func TestCopiedDirectory_P12(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s := openAt(t, Options{Dir: dir})
	putRow(t, s, fixtureTopic(0), "a", "1")
	before := epochAt(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := copyDir(dir, copied); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: copied}); !errors.Is(err, ErrCopy) {
		t.Fatalf("opening a copy: %v; want ErrCopy", err)
	}
	c := openAt(t, Options{Dir: copied, AcceptCopy: true})
	accepted := epochAt(t, c)
	if accepted == before {
		t.Error("the copy has the epochs of the original")
	}
	if h := putRow(t, c, fixtureTopic(0), "a", "2"); h.Version != 2 || h.Rows != 1 {
		t.Errorf("the copy goes on at %+v", h)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = openAt(t, Options{Dir: copied})
	if again := epochAt(t, c); again != accepted {
		t.Error("the epochs changed once more without being told to")
	}
	if s = openAt(t, Options{Dir: dir}); epochAt(t, s) != before {
		t.Error("the original's epochs changed")
	}
}

// Async: a clean stop keeps the epochs, an unclean one changes them.
func TestAsyncStops(t *testing.T) {
	dir, killed := t.TempDir(), filepath.Join(t.TempDir(), "killed")
	opts := Options{Dir: dir, Durability: Async, seams: seams{identify: anyOwner}}
	s := openAt(t, opts)
	putRow(t, s, fixtureTopic(0), "a", "1")
	before := epochAt(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, opts)
	if epochAt(t, s) != before {
		t.Error("a clean stop changed the epoch")
	}
	putRow(t, s, fixtureTopic(0), "a", "2")
	if err := copyDir(dir, killed); err != nil { // as a kill leaves it
		t.Fatal(err)
	}
	for _, durability := range []Durability{Sync, Async} {
		k := openAt(t, Options{Dir: killed, Durability: durability, seams: opts.seams})
		if epochAt(t, k) == before {
			t.Error("an unclean stop kept the epoch")
		}
		before = epochAt(t, k)
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if durability == Sync {
			k = openAt(t, Options{Dir: killed, seams: opts.seams})
			if epochAt(t, k) != before {
				t.Error("in sync mode an epoch changed at a restart")
			}
			_ = k.Close()
			break
		}
	}
}

// A store of a newer format is refused with a clear text.
func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, Options{Dir: dir})
	err := s.do(store.Topic{}, func(view) (*job, error) {
		return &job{writes: []write{{key: formatKey, value: seal(formatKey, spaceMeta, formatVersion+1, 0, 0, 0, 0, 0, 0, 0)}}}, nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("a newer format: %v; want ErrNewer that says what to do", err)
	}
}

// Losing either half of a store is a loss: Badger, the ledger, or the end of a log.
func TestLostHalves_P12(t *testing.T) {
	for what, lose := range map[string]func(dir string) error{
		"badger":     func(dir string) error { return os.RemoveAll(filepath.Join(dir, badgerDir)) },
		"the ledger": func(dir string) error { return os.Remove(filepath.Join(dir, ledgerName)) },
		"an older badger": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, badgerDir)), os.Rename(filepath.Join(dir, "old"), filepath.Join(dir, badgerDir)))
		},
	} {
		dir := t.TempDir()
		opts := Options{Dir: dir, seams: seams{identify: anyOwner}}
		s := openAt(t, opts)
		putRow(t, s, fixtureTopic(0), "a", "1")
		before := epochAt(t, s)
		if err := errors.Join(s.Close(), copyDir(filepath.Join(dir, badgerDir), filepath.Join(dir, "old"))); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, opts)
		putRow(t, s, fixtureTopic(0), "a", "2")
		if err := errors.Join(s.Close(), lose(dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(opts); !errors.Is(err, ErrLoss) {
			t.Fatalf("without %s: %v; want ErrLoss", what, err)
		}
		opts.AcceptLoss = true
		s = openAt(t, opts)
		if epochAt(t, s) == before {
			t.Errorf("without %s the epoch is the same", what)
		}
		putRow(t, s, fixtureTopic(0), "b", "3")
	}
}

// A manifest that lost its end makes Badger remove the tables it no longer lists.
// They are kept: restoring the manifest brings all back, and so does accepting the
// loss, but for the epochs.
func TestShortManifest_P12(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Dir: dir, Clock: smallClock, seams: seams{identify: anyOwner}}
	s := openAt(t, opts)
	fill(t, s)
	want := dump(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, badgerDir, bdg.ManifestFilename)
	whole, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int64{8, int64(len(whole)) / 2} {
		for range 2 { // refused once and again
			if err := os.Truncate(manifest, cut); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(opts); !errors.Is(err, ErrLoss) {
				t.Fatalf("cut at %d: %v; want ErrLoss", cut, err)
			}
		}
		restored := filepath.Join(t.TempDir(), "restored")
		if err := copyDir(dir, restored); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, Options{Dir: restored, Clock: smallClock, AcceptLoss: true, seams: opts.seams})
		rows := 0
		for call, answer := range dump(s) {
			if strings.HasSuffix(call, " last") || strings.HasSuffix(call, " read") {
				rows++
				if answer != want[call] {
					t.Errorf("cut at %d: after accepting the loss %s is\n%s; want\n%s", cut, call, answer, want[call])
				}
			}
		}
		if links, _ := filepath.Glob(filepath.Join(restored, badgerDir, "*"+unlistedSuffix)); len(links) > 0 || rows == 0 {
			t.Errorf("links are left: %v", links)
		}
	}
	if err := os.WriteFile(manifest, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := dump(openAt(t, opts)); !maps.Equal(got, want) {
		t.Error("after restoring the manifest something is different")
	}
}

// Ahead: commits that were not proven when the process ended are taken over.
func TestBadgerAheadOfTheLedger(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Dir: dir, seams: seams{identify: anyOwner}}
	s := openAt(t, opts)
	putRow(t, s, fixtureTopic(0), "a", "1")
	epoch, old := epochAt(t, s), s.ledger.last
	putRow(t, s, fixtureTopic(0), "a", "2")
	putRow(t, s, fixtureTopic(1), "a", "1")
	// The two last records are undone, as if they had never reached the disk.
	for seq := old.seq + 1; seq <= s.ledger.last.seq+1; seq++ {
		if _, err := s.ledger.file.WriteAt(make([]byte, recordBytes), headerBytes+int64(seq%ledgerSlots)*recordBytes); err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(t.TempDir(), "killed")
	if err := copyDir(dir, killed); err != nil {
		t.Fatal(err)
	}
	opts.Dir = killed
	k := openAt(t, opts)
	if epochAt(t, k) != epoch {
		t.Error("the epoch changed although nothing is missing")
	}
	if h, err := k.Head(t.Context(), fixtureTopic(0)); err != nil || h.Version != 2 {
		t.Errorf("head %+v, %v; want version 2", h, err)
	}
}

// The ledger counts the highest whole record anywhere, across the ring's seam.
func TestLedgerRing(t *testing.T) {
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "l"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := makeLedger(f, fileID{Inode: 7, Birth: 9}); err != nil {
		t.Fatal(err)
	}
	l := &ledger{file: f}
	if _, err := l.newest(); !errors.Is(err, errNoProof) {
		t.Errorf("an empty ring: %v", err)
	}
	for n := uint64(1); n <= ledgerSlots+5; n++ {
		if err := l.prove(proof{commit: 10 * n, digest: n, async: n%2 == 0, clean: n%3 == 0}); err != nil {
			t.Fatal(err)
		}
	}
	want := l.last
	if got, err := l.newest(); err != nil || got != want || got.commit != 10*(ledgerSlots+5) {
		t.Errorf("newest is %+v (%v); want %+v", got, err, want)
	}
	for back := range uint64(3) { // each damaged record hides only itself
		at := headerBytes + int64((want.seq-back)%ledgerSlots)*recordBytes
		if _, err := f.WriteAt([]byte{0xff}, at+9); err != nil {
			t.Fatal(err)
		}
		if got, err := l.newest(); err != nil || got.seq != want.seq-back-1 {
			t.Errorf("with %d damaged: newest is %+v (%v)", back+1, got, err)
		}
	}
	// A whole record in another slot is not one.
	moved := proof{seq: 1 << 40}.encode()
	if _, err := f.WriteAt(moved, headerBytes+77*recordBytes); err != nil {
		t.Fatal(err)
	}
	if got, err := l.newest(); err != nil || got.seq == 1<<40 {
		t.Errorf("a record in the wrong slot counts (%v)", err)
	}
	h, err := l.readHeader()
	if err != nil || h.id != (fileID{Inode: 7, Birth: 9}) {
		t.Errorf("header %+v, %v", h, err)
	}
}

// Records: what was sealed comes back under its key and kind, and nothing else does.
func FuzzUnseal(f *testing.F) {
	f.Add([]byte("key"), []byte("body"), 0)
	f.Fuzz(func(t *testing.T, key, content []byte, at int) {
		record := seal(key, kindLog, content...)
		got, err := unseal(key, kindLog, record)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := unseal(append(key, 'x'), kindLog, record); err == nil {
			t.Fatal("under another key it is whole")
		}
		bent := bytes.Clone(record)
		bent[uint(at)%uint(len(bent))] ^= 1
		if _, err := unseal(key, kindLog, bent); err == nil {
			t.Fatal("a flipped bit goes unnoticed")
		}
		for _, b := range [][]byte{content, record, bent} { // decoders never panic
			_, _ = decodeEvent(key, b)
			_, _ = decodeEntry(key, b)
			_, _ = decodeOutcome(key, kindOutcome, b)
			_, _ = decodeProofSafely(b)
			_, _, _ = topicOf(b)
		}
	})
}

func decodeProofSafely(b []byte) (proof, bool) {
	if len(b) != recordBytes {
		return proof{}, false
	}
	return decodeProof(b, 0)
}

// Badger's options are the ones its guard relies on.
func TestBadgerOptions(t *testing.T) {
	b := Options{}.badgerOptions("x", nil)
	switch {
	case !b.SyncWrites, b.DetectConflicts, b.NumVersionsToKeep != 1:
		t.Errorf("options %+v", b)
	case b.ValueThreshold < store.MaxEventBytes+1<<9:
		t.Errorf("a record of %d bytes would go to the value log", store.MaxEventBytes)
	case maxRequestBytes >= b.MemTableSize*15/100:
		t.Error("a request can be larger than a transaction")
	}
	var _ bdg.Logger = &badgerLog{}
}
