//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profiled runs work and leaves its profiles in a folder, named by the process; without a folder
// it only runs work.
func profiled(dir string, work func() error) error {
	if dir == "" {
		return work()
	}
	cpu, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d-cpu.pprof", os.Getpid()))) //nolint:gosec // the user's own folder
	if err != nil {
		return err
	}
	runtime.MemProfileRate = 64 << 10
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return errors.Join(err, cpu.Close())
	}
	err = work()
	pprof.StopCPUProfile()
	allocs, createErr := os.Create(filepath.Join(dir, fmt.Sprintf("%d-allocs.pprof", os.Getpid()))) //nolint:gosec // likewise
	if createErr != nil {
		return errors.Join(err, createErr, cpu.Close())
	}
	return errors.Join(err, cpu.Close(), pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close())
}
