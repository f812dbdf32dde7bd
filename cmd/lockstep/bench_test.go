//go:build linux

package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/bench"
)

// benchPatience is for a machine that has other things to do.
const benchPatience = 5 * time.Minute

// A tiny run of every workload: what was published was delivered to everyone, once
// and in order (P1, P5). Its times mean nothing.
func TestBenchQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every workload, each with a server of its own")
	}
	t.Setenv(beMain, "1")
	ctx, cancel := context.WithTimeout(t.Context(), benchPatience)
	defer cancel()
	o := commandContext(ctx, "", "", "bench", "--quick", "--rounds", "1", "--dir", t.TempDir(), "--json").must(t)
	var report bench.Report
	if err := json.Unmarshal([]byte(o.out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Faults) > 0 {
		t.Errorf("faults: %q", report.Faults)
	}
	seen := make(map[string]bool)
	for _, row := range report.Rows {
		seen[row.Workload] = true
		if len(row.Rounds) != 1 {
			t.Errorf("%s %s has %d rounds", row.Workload, row.Measure, len(row.Rounds))
		}
	}
	for _, name := range bench.Names() {
		if !seen[name] {
			t.Errorf("%s has no figure", name)
		}
	}
}

// A word that no workload begins with is told.
func TestBenchUnknown(t *testing.T) {
	o := command(t, "", "", "bench", "--quick", "--only", "nothing")
	if o.code != exitUsage && o.code != exitFailed {
		t.Errorf("exit code %d: %s", o.code, o.err)
	}
}
