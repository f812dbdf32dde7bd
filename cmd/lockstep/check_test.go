package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A directory that a server has left is whole; a byte that flips in it is found (P12).
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	server := serveIn(t, dir)
	command(t, server.url, "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n", "import", "stock:1", "-", "--id", "id").must(t)
	command(t, server.url, "", "put", "gift-list:1", "g1", `{"title":"a kite that nobody else has"}`).must(t)
	if o := command(t, "", "", "check", "--data", dir); o.code != exitFailed || !strings.Contains(o.err, "another process has it open") {
		t.Errorf("beside a server: code %d: %s", o.code, o.err)
	}
	server.interrupt(syscall.SIGTERM)

	if o := command(t, "", "", "check", "--data", dir).must(t); !strings.HasPrefix(o.out, "2 topics, 4 events, 4 rows read in ") {
		t.Error(o.out)
	}
	var report checked
	if o := command(t, "", "", "check", "--data", dir, "--json").must(t); json.Unmarshal([]byte(o.out), &report) != nil || report.Rows != 4 || len(report.Damaged) != 0 || strings.Contains(o.out, "null") {
		t.Error(o.out)
	}
	spoil(t, dir, "a kite that nobody", "a kite that somebod")
	if o := command(t, "", "", "check", "--data", dir); o.code != exitFailed {
		t.Errorf("a changed record: code %d: %s%s", o.code, o.out, o.err)
	}
	if o := command(t, "", "", "check", "--data", filepath.Join(dir, "nowhere")); o.code != exitUsage || !strings.Contains(o.err, "there is no directory") {
		t.Errorf("no directory: code %d: %s", o.code, o.err)
	}
}

// spoil changes a text wherever it stands in the files below a directory.
func spoil(t *testing.T, dir, from, to string) {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), from) {
			return err
		}
		found = true
		return os.WriteFile(path, []byte(strings.ReplaceAll(string(text), from, to)), 0o600)
	})
	if err = errors.Join(err); err != nil || !found {
		t.Fatalf("found %t, %v", found, err)
	}
}
