// Package storetest is the contract of package store as a test suite. Every
// implementation passes it: [Run] is all a new one has to call. The tests cite the
// rules of package store's documentation and the promises P1 to P12.
package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/store"
)

// Subject is a store under test and what a test may do to it from outside.
type Subject struct {
	Store store.Store
	// Reopen closes the store and opens again what it kept.
	Reopen func(t *testing.T) store.Store
	// Advance moves the clock that the store reads.
	Advance func(d time.Duration)
}

// cases are the parts of the contract, in the order of the rules.
var cases = []struct {
	name string
	run  func(t *testing.T, s *harness)
}{
	{"Rule1_AppendComparesAndSets_P1", appendComparesAndSets},
	{"Rule1_AppendIsAtomic_P4", appendIsAtomic},
	{"Rule1_ConcurrentAppendsOneWins_P1", concurrentAppends},
	{"Rule1_ManyTopicsAtOnce_P1", manyTopics},
	{"Rule13_MalformedCommitsChangeNothing", malformedCommits},
	{"Rule13_TooLargeCommitsChangeNothing_P9", tooLargeCommits},
	{"Rule2_ReopenAfterEveryStep_P2", reopenAfterEveryStep},
	{"Rule3_EventsComeBackAsWritten_P1", eventsComeBack},
	{"Rule4_EpochsAreNeverReused", epochs},
	{"Rule5_GenesisCostsNothing", genesis},
	{"Rule6_ReadYourWrites_P6", readYourWrites},
	{"Rule7_CutAfterEveryEvent_P5", cutAfterEveryEvent},
	{"Rule7_BelowTheFloorIsCompacted_P5", belowTheFloor},
	{"Rule7_BudgetsBoundPages_P9", budgets},
	{"Rule8_ARunShowsOneState_P4", runShowsOneState},
	{"Rule8_ARunSurvivesDelete_P4", runSurvivesDelete},
	{"Rule8_RunsExpire", runsExpire},
	{"Rule8_RunsShowTheirStateOrExpire", randomRuns},
	{"Rule9_CompactionLaw_P10", compactionLaw},
	{"Rule9_ResumeCostsWhatChanged_P10", resumeCosts},
	{"Rule10_FloorsMoveUpToBoundaries", floors},
	{"Rule10_AppendsOverCompactedTombstones", compactedTombstones},
	{"Rule14_AnyGoroutine", anyGoroutine},
	{"Lanes_KeepTheLastOutcomes_P3", lanesKeepTheLast},
	{"Lanes_OutcomeOnlyCommits_P3", outcomeOnly},
	{"Lanes_RejectsComeBackWhole_P3", rejectsComeBack},
	{"Keys_ComeBack_P3", keysComeBack},
	{"Delete_TakesEverything", deleteTakesEverything},
	{"Tenants_NeverMeet_P8", tenantsNeverMeet},
	{"Topics_ListInOrder", topicsInOrder},
	{"Close_EndsEveryCall", closeEnds},
	{"Context_CancelledDoesNothing", cancelled},
	{"Histories_Random", histories},
}

// Run holds the stores that open makes to the contract. It opens one per case.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &harness{Subject: open(t), t: t}
			t.Cleanup(func() { _ = s.Store.Close() })
			c.run(t, s)
		})
	}
}

// topicNamed is a topic of the suite's tenant.
func topicNamed(name string) store.Topic {
	if !strings.Contains(name, ":") {
		name = "t:" + name
	}
	return store.Topic{Tenant: "suite", Name: nameOf(name)}
}
