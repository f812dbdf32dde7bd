//go:build linux

package badger_test

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	"github.com/lockstep-sync/lockstep/topics"
)

// TestFullDisk fills a small file system: writes are refused before it is full,
// reads go on, and writes return when space does (P12).
func TestFullDisk_P12(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=192m"); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, badger.Options{Dir: filepath.Join(dir, "store"), MinFree: 64 << 20})
	w := newTopicWriter(t, s, 1)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 64<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	written, rng := 0, rand.NewChaCha8([32]byte{1})
	for written < 20_000 {
		w.json = noise(rng)
		err := w.commit(1)
		if errors.Is(err, store.ErrFull) {
			break
		}
		if err != nil {
			t.Fatalf("after %d mutations: %v; want ErrFull before anything breaks", written, err)
		}
		written++
	}
	t.Logf("full after %d mutations", written)
	if written == 0 || written >= 20_000 {
		t.Fatal("the guard never closed, or was never open")
	}
	head, err := s.Head(t.Context(), w.topic)
	if err != nil || head.Version == 0 {
		t.Fatalf("reads on a full disk: %+v, %v", head, err)
	}
	if page, err := s.Last(t.Context(), w.topic, 0, 0, store.Budget{}); err != nil || len(page.Events) == 0 {
		t.Errorf("the last list on a full disk: %d events, %v", len(page.Events), err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	again := newTopicWriter(t, s, 2)
	for errors.Is(err, store.ErrFull) || again.seq == 0 {
		again.seq, again.at = 0, map[string]topics.Version{}
		if err = again.commit(1); err != nil && !errors.Is(err, store.ErrFull) {
			t.Fatal(err)
		}
	}
	report, err := s.Check(t.Context())
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// noise is a payload that does not compress.
func noise(rng *rand.ChaCha8) []byte {
	raw := make([]byte, 16<<10)
	_, _ = rng.Read(raw)
	return []byte(`{"payload":"` + hex.EncodeToString(raw) + `"}`)
}
