package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/load"
	"github.com/lockstep-sync/lockstep/topics"
)

// bulk is a file that is never whole in memory: rows of 64 KiB.
type bulk struct {
	rows, made int
	rest       []byte
}

var filler = strings.Repeat("x", 64<<10)

func (b *bulk) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		if b.made == b.rows {
			return 0, io.EOF
		}
		b.rest = fmt.Appendf(nil, "{\"id\":%d,\"filler\":%q}\n", b.made, filler)
		b.made++
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// TestImportKilled_P9: an import that was killed is run again, and ends as if it had
// never been. Its memory does not depend on the file.
func TestImportKilled_P9(t *testing.T) {
	longOnly(t)
	rows := 1600 // 100 MiB
	if underRace {
		rows = 200
	}
	url := startServer(t)
	client := dial(t, url)
	imported := func(killAt topics.Version) (result load.Result, peak int) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		var out, said bytes.Buffer
		cmd := exec.CommandContext(t.Context(), self, "import", "stock:1", "-", "--id", "id", "--json", "--url", url)
		cmd.Env = append(os.Environ(), beMain+"=1", "GORACE="+quickExit)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = &bulk{rows: rows}, &out, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if killAt > 0 {
			waitUntil(t, func() bool {
				at, err := client.Position(context.Background(), "stock:1")
				return err == nil && at.Version >= killAt
			})
			_ = cmd.Process.Kill()
		}
		peak = watchMemory(cmd)
		err = cmd.Wait()
		if killAt == 0 && (err != nil || json.Unmarshal(out.Bytes(), &result) != nil) {
			t.Fatalf("%v: %s%s", err, out.String(), said.String())
		}
		return result, peak
	}
	imported(20)
	if at, err := client.Position(t.Context(), "stock:1"); err != nil || at.Version >= topics.Version(rows) { //nolint:gosec // small
		t.Fatalf("it was at %v when it was killed: %v", at, err)
	}
	result, peak := imported(0)
	if result.Rows != rows || result.Unchanged < 20 || result.Changed != 0 || result.Added+result.Unchanged != rows {
		t.Errorf("the second run did %+v", result)
	}
	got, at := rowsOf(t, client, "stock:1")
	if len(got) != rows || at.Version != topics.Version(rows) { //nolint:gosec // small
		t.Errorf("there are %d rows at version %d", len(got), at.Version)
	}
	if most := 100 << 10; peak > most && !underRace {
		t.Errorf("%d KiB were resident; at most %d", peak, most)
	}
}

// watchMemory is the most that a process had resident, in KiB, once it has ended; 0
// where the system does not tell. (What wait tells counts the parent's memory too.)
func watchMemory(cmd *exec.Cmd) int {
	peak := 0
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for range look.C {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		found := residentPeak.FindSubmatch(status)
		if err != nil || found == nil { // gone, or ended and not waited for
			return peak
		}
		peak, _ = strconv.Atoi(string(found[1]))
	}
	return peak
}

var residentPeak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
