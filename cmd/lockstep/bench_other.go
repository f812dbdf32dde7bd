//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newBench is the bench command where there is none.
func newBench(*console) *cobra.Command {
	return &cobra.Command{
		Use: "bench", Short: "Measure a server on this machine (Linux only)", Args: args(0, 0, "nothing"),
		RunE: does(func(*cobra.Command, []string) error {
			return errors.New("bench reads /proc and waits by epoll, so it runs on Linux only")
		}),
	}
}
