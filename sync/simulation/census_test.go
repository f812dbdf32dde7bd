package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

// census counts how often each thing worth proving has happened. A run in which one of
// them never did has proved nothing about it, and fails.
type census struct {
	mu    sync.Mutex
	count map[string]int
}

func newCensus() *census { return &census{count: make(map[string]int)} }

func (c *census) add(kind, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[kind+" "+name]++
}

// wanted are the things that every run must have seen, besides every code that is not
// in never.
var wanted = []string{
	"resume nothing", "resume tail", "resume log", "resume run",
	"resync epoch", "resync ahead", "resync floor", "resync missed",
	"status applied", "status unchanged", "status duplicate", "status rejected", "status unknown",
	"delta patch", "delta json_patch", "paced shown",
	"shown run", "shown commit", "shown mixed", "gap repaired",
	"store full", "store lost", "store applied", "server crash", "server restart", "topic deleted", "topic compacted",
}

// never are the codes that cannot be a reject here, each with the reason.
var never = map[topics.Code]string{
	topics.CodeInvalidTopic:    "a mutation without a topic cannot be matched to a lane; it is an error of the session",
	topics.CodeUnauthorized:    "sessions are authenticated by the transport before they are opened",
	topics.CodeMethod:          "HTTP only",
	topics.CodeMediaType:       "HTTP only",
	topics.CodeKeyReused:       "idempotency keys come by HTTP",
	topics.CodeKeyRequired:     "HTTP only",
	topics.CodeTooManyTopics:   "answers a subscribe, not a mutation",
	topics.CodeTooManySessions: "counted by the server",
	topics.CodeRateLimited:     "counted by the server",
	topics.CodeOutcomeUnknown:  "a bye ends the session instead; store lost and store applied count it",
	topics.CodeDamaged:         "memory does not rot; store/badger proves damage",
	topics.CodeTooSlow:         "judged by the connection",
	topics.CodeInternal:        "would be a bug: it fails the run where it occurs",
}

// report prints the census and fails for what is missing.
func (c *census) report(t *testing.T) {
	t.Helper()
	for _, name := range wanted {
		if c.count[name] == 0 {
			t.Errorf("never happened: %s", name)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(topics.Codes())) {
		reason, exempt := never[code]
		n := c.count["reject "+string(code)]
		switch {
		case exempt && n > 0:
			t.Errorf("reject %s happened %d times, which should be impossible: %s", code, n, reason)
		case !exempt && n == 0:
			t.Errorf("never happened: reject %s", code)
		}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(c.count)) {
		lines = append(lines, fmt.Sprintf("%8d  %s", c.count[name], name))
	}
	for _, code := range slices.Sorted(maps.Keys(never)) {
		lines = append(lines, fmt.Sprintf("       –  reject %s: %s", code, never[code]))
	}
	t.Logf("what happened:\n%s", strings.Join(lines, "\n"))
}
