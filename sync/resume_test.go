package statesync

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

type resumeFile struct {
	About string
	Rules []struct{ If, Then string }
	// Topics are heads with their floors.
	Topics []resumeTopic
}

type resumeTopic struct {
	Name, About                          string
	Epoch                                topics.Epoch
	Version, Tombstones, Retention, Tail topics.Version
	Cases                                []resumeCase
}

type resumeCase struct {
	At          topics.Version
	Same, Other struct{ Latest, Every string } // by the cursor's epoch
}

// foreign are epochs that are none of the file's topics with events: one that no
// topic has, and one of a topic that nobody has written to.
var foreign = []topics.Epoch{"zzzzzzzzzzzzz", "genesisepoch3", ""}

func (r resumeTopic) bounds() Bounds {
	return Bounds{
		Position: topics.Position{Epoch: r.Epoch, Version: r.Version}, Tail: r.Tail,
		Floors: store.Floors{Retention: r.Retention, Tombstones: r.Tombstones},
	}
}

// P5: every combination of epoch, version, topic and mode has the one outcome of
// the vectors, which were written from the rules and not from the code.
func TestResumeVectors(t *testing.T) {
	for _, topic := range readResume(t).Topics {
		t.Run(topic.Name, func(t *testing.T) {
			for _, c := range topic.Cases {
				topic.check(t, topic.Epoch, c.At, c.Same.Latest, c.Same.Every)
				for _, epoch := range foreign {
					topic.check(t, epoch, c.At, c.Other.Latest, c.Other.Every)
				}
			}
		})
	}
}

func (r resumeTopic) check(t *testing.T, epoch topics.Epoch, at topics.Version, latest, every string) {
	t.Helper()
	for mode, want := range map[frame.Mode]string{frame.ModeLatest: latest, frame.ModeEvery: every} {
		plan := Resume(mode, topics.Position{Epoch: epoch, Version: at}, r.bounds())
		got := plan.String()
		if plan.Missed > 0 {
			got += fmt.Sprintf(" %d", plan.Missed)
		}
		if got != want {
			t.Errorf("mode %d at %q-%d: %s; want %s", mode, epoch, at, got, want)
		}
	}
}

// The vectors stand on both sides of every bound of every topic; halfway between two
// of them there is no third outcome.
func TestResumeVectorsAreComplete(t *testing.T) {
	file := readResume(t)
	if len(file.Rules) == 0 || file.About == "" || len(file.Topics) < 5 {
		t.Error("the file lacks its rules or topics")
	}
	for _, topic := range file.Topics {
		var have []topics.Version
		for _, c := range topic.Cases {
			have = append(have, c.At)
		}
		for _, bound := range []topics.Version{0, topic.Tombstones, topic.Retention, topic.Tail, topic.Version} {
			for _, near := range []topics.Version{max(bound, 1) - 1, bound, bound + 1} {
				if !slices.Contains(have, near) {
					t.Errorf("%s has no case at %d", topic.Name, near)
				}
			}
		}
		if !slices.IsSorted(have) || len(slices.Compact(slices.Clone(have))) != len(have) || !slices.Contains(have, topics.MaxVersion) {
			t.Errorf("the cases of %s are out of order, twice, or do not go to the last version: %v", topic.Name, have)
		}
		topic.checkBetween(t)
	}
}

func (r resumeTopic) checkBetween(t *testing.T) {
	t.Helper()
	for i := range len(r.Cases) - 1 {
		low, high := r.Cases[i], r.Cases[i+1]
		if high.At == low.At+1 {
			continue
		}
		middle := low.At + (high.At-low.At)/2
		for _, mode := range []frame.Mode{frame.ModeLatest, frame.ModeEvery} {
			at := func(v topics.Version) string {
				return Resume(mode, topics.Position{Epoch: r.Epoch, Version: v}, r.bounds()).String()
			}
			if got := at(middle); got != at(low.At) && got != at(high.At) {
				t.Errorf("%s: mode %d at %d is %s; at %d it is %s, at %d %s", r.Name, mode, middle, got, low.At, at(low.At), high.At, at(high.At))
			}
		}
	}
}

func readResume(t *testing.T) resumeFile {
	t.Helper()
	var file resumeFile
	if err := conformance.Read("vectors/resume.json", &file); err != nil {
		t.Fatal(err)
	}
	return file
}
