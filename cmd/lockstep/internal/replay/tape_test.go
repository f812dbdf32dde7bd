package replay_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/replay"
)

var (
	then = time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC) // when the history begins
	now  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)    // when it is played
)

// history has entries a, b, c, … at so many seconds.
func history(seconds ...int) []replay.Entry {
	entries := make([]replay.Entry, len(seconds))
	for i, s := range seconds {
		entries[i] = replay.Entry{At: then.Add(time.Duration(s) * time.Second), EntityID: string(rune('a' + i%26))}
	}
	return entries
}

// Each script is a story: "+n" lets n seconds pass, "xn" sets the speed to n,
// "rewind" rewinds. After each word that lets time pass, what is due is played and
// written down; "?" writes down how long until the next is due.
func TestTape(t *testing.T) {
	for name, tc := range map[string]struct {
		entries      []replay.Entry
		script, want string
	}{
		"the first is due at once":       {history(0, 10), "+0", "a"},
		"in real time":                   {history(0, 10, 20), "+9 +1 +9 +1", "a b - c"},
		"faster":                         {history(0, 10, 20), "x10 +0 +1 +1", "a b c"},
		"several at one time":            {history(0, 5, 5, 5, 6), "+5 +1", "abcd e"},
		"after a long sleep":             {history(0, 10, 20, 30), "+100", "abcd"},
		"a new speed counts from now on": {history(0, 10, 20), "+5 x5 +1 x1 +9 +1", "a b - c"},
		"standing still":                 {history(0, 10), "+5 x0 +1000 ? x1 +4 +1", "a - never - b"},
		"slower than life":               {history(0, 10), "x0.5 +19 +1", "a b"},
		"the wait":                       {history(0, 10), "x4 +0 ? +1 ?", "a 2.5s - 1.5s"},
		"the wait for what is due":       {history(0, 10), "?", "0s"},
		"the wait after the end":         {history(0), "+0 ?", "a never"},
		"rewind":                         {history(0, 10), "+10 rewind +0 +10", "ab a b"},
		"nothing":                        {nil, "+10 ? rewind +1", "- never -"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := perform(t, replay.NewTape(tc.entries, 1, now), tc.script); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func perform(t *testing.T, tape *replay.Tape, script string) string {
	t.Helper()
	at, said := now, []string{}
	for word := range strings.FieldsSeq(script) {
		switch {
		case word == "?":
			wait, ok := tape.Wait(at)
			text := wait.String()
			if !ok {
				text = "never"
			}
			said = append(said, text)
		case word == "rewind":
			tape.Rewind(at)
		case word[0] == 'x':
			tape.SetSpeed(number(t, word[1:]), at)
		case word[0] == '+':
			at = at.Add(time.Duration(number(t, word[1:]) * float64(time.Second)))
			said = append(said, play(tape, at))
		}
	}
	return strings.Join(said, " ")
}

func play(tape *replay.Tape, at time.Time) string {
	due := tape.Due(at)
	ids := "-"
	if len(due) > 0 {
		ids = ""
	}
	for _, e := range due {
		ids += e.EntityID
	}
	tape.Played(len(due))
	return ids
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	var n float64
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What is due comes in batches that one mutation can carry, and stays due until
// it is played.
func TestTapeBatches(t *testing.T) {
	tape := replay.NewTape(history(make([]int, 250)...), 1, now)
	for _, want := range []int{100, 100, 50, 0} {
		if again := len(tape.Due(now)); again != want {
			t.Errorf("%d are due, want %d", again, want)
		}
		due := tape.Due(now)
		if len(due) != want {
			t.Errorf("%d are due, want %d", len(due), want)
		}
		tape.Played(len(due))
	}
	if !tape.Done() || tape.Count() != 250 {
		t.Errorf("played %d, done %t", tape.Count(), tape.Done())
	}

	large := history(0, 0, 0)
	large[0].Payload = json.RawMessage(strings.Repeat("x", 400<<10))
	large[1].Payload = large[0].Payload
	large[2].Payload = json.RawMessage(strings.Repeat("x", 4<<20))
	tape = replay.NewTape(large, 1, now)
	for range large {
		if due := tape.Due(now); len(due) != 1 {
			t.Errorf("%d large ones are due together, want 1", len(due))
		}
		tape.Played(1)
	}
}
