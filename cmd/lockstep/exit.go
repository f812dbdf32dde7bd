package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // the server said no, or the work failed
	exitUsage       = 2 // the command line or the input is wrong
	exitUnreachable = 3
	exitInterrupted = 130 // as shells say it of SIGINT
)

// workError is an error of the work, and not of the command line.
type workError struct{ error }

func (e *workError) Unwrap() error { return e.error }

// usageError is an error of the command line or of the input.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// usage marks an error as one of the input.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// finish says what went wrong and returns the exit code.
func (c *console) finish(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(c.err, "lockstep: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(c.err, "lockstep: %v\n", err)
	if text := remedy(err); text != "" {
		fmt.Fprintf(c.err, "  %s\n", text)
	}
	return exitCode(err)
}

// exitCode tells errors apart. What cobra finds wrong with a command line has no
// type; what the work finds has one.
func exitCode(err error) int {
	var wrong *usageError
	var work *workError
	var gone *remote.Unreachable
	switch {
	case errors.As(err, &wrong), !errors.As(err, &work):
		return exitUsage
	case errors.As(err, &gone):
		return exitUnreachable
	}
	return exitFailed
}

// remedies say what a person can do about a code, where its message does not.
var remedies = map[topics.Code]string{
	topics.CodeUnauthorized:   "name a token with --token or LOCKSTEP_TOKEN",
	topics.CodeForbidden:      "ask for a token with a grant for this topic",
	topics.CodeConflict:       "read the row again with lockstep get, decide, and name its version with --if-version",
	topics.CodeKeyReused:      "run the command again; it takes a new key",
	topics.CodeOverloaded:     "try again in a moment",
	topics.CodeRateLimited:    "try again in a moment",
	topics.CodeUnavailable:    "try again in a moment",
	topics.CodeOutcomeUnknown: "look with lockstep get what became of it",
	topics.CodeStorageFull:    "make room on the server's disk",
	topics.CodeDamaged:        "the server's log says more",
	topics.CodeInternal:       "the server's log says more",
	topics.CodeExpired:        "run the command again",
}

func remedy(err error) string {
	var gone *remote.Unreachable
	var refusal *remote.Refusal
	var work *workError
	switch {
	case errors.As(err, &gone):
		return "is it running? start one with: lockstep serve --dev; or name another with --url or LOCKSTEP_URL"
	case errors.As(err, &refusal):
		return refusalRemedy(refusal)
	case !errors.As(err, &work):
		return "lockstep help shows the commands, and --help after a command its flags"
	}
	return ""
}

// refusalRemedy shows the row that explains a refusal, and what to do.
func refusalRemedy(r *remote.Refusal) string {
	var lines []string
	if r.Current != nil {
		lines = append(lines, fmt.Sprintf("the row is at version %d: %s", r.Version, clip(string(r.Current), 400)))
	}
	if text := remedies[r.Said.Code]; text != "" {
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n  ")
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
