package conformance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

type replicaCase struct {
	Name  string
	Given *givenRows
	Steps []struct {
		Frame    json.RawMessage
		Effect   string
		Position string
		Shown    topics.Version
		Rows     map[string]rowValue
	}
}

// givenRows is what a replica holds, complete at a position.
type givenRows struct {
	Position string
	Rows     map[string]rowValue
}

// rowValue is [version, payload].
type rowValue [2]json.RawMessage

var effects = map[client.Effect]string{
	client.Ignored: "ignored", client.Staged: "staged", client.Shown: "shown", client.Gap: "gap", client.Reset: "reset",
}

// replicaFaults are the vectors that the Go replica departs from. One that passes
// after all is to be taken off the list.
var replicaFaults = map[string]string{}

// P4, P5: what a replica does with every kind of frame, and what it shows then.
func TestReplicaVectors(t *testing.T) {
	var file struct {
		About string
		Cases []replicaCase
	}
	if err := conformance.Read("vectors/replica.json", &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			fault, why := c.fault(t), replicaFaults[c.Name]
			switch {
			case fault != "" && why == "":
				t.Error(fault)
			case fault != "":
				t.Skip("the replica's fault: " + why)
			case why != "":
				t.Error("passes; take it off the list of faults")
			}
		})
	}
}

// fault is the first step that goes otherwise; empty when there is none.
func (c replicaCase) fault(t *testing.T) string {
	t.Helper()
	r := c.begin(t)
	for i, s := range c.Steps {
		effect := effects[r.Apply(readFrame(t, s.Frame))]
		position := r.Position.String()
		if s.Position == "" {
			position = ""
		}
		got := fmt.Sprintf("%s at %s, shown %d: %s", effect, position, r.Consistent, shownRows(r))
		want := fmt.Sprintf("%s at %s, shown %d: %s", s.Effect, s.Position, s.Shown, wantedRows(s.Rows))
		if got != want {
			return fmt.Sprintf("step %d:\n%s\nwant\n%s", i+1, got, want)
		}
	}
	return ""
}

// begin makes the replica as the case finds it.
func (c replicaCase) begin(t *testing.T) *client.Replica {
	t.Helper()
	if c.Given == nil {
		return client.NewReplica()
	}
	return c.Given.replica(t)
}

// replica makes a replica whose rows came in one snapshot.
func (g givenRows) replica(t *testing.T) *client.Replica {
	t.Helper()
	r := client.NewReplica()
	at, err := topics.ParsePosition(g.Position)
	if err != nil {
		t.Fatal(err)
	}
	f := client.Frame{Type: "snapshot", Topic: "gift-list:1", Epoch: at.Epoch, Version: at.Version, To: at.Version}
	for id, row := range g.Rows {
		d := client.Data{EntityID: id, Payload: json.RawMessage(strings.TrimSpace(asText(t, row[1])))}
		if err := json.Unmarshal(row[0], &d.Version); err != nil {
			t.Fatal(err)
		}
		f.Rows = append(f.Rows, d)
	}
	if effect := r.Apply(f); effect != client.Shown {
		t.Fatalf("the beginning was %s", effects[effect])
	}
	return r
}

// readFrame reads the frame as it would come: compact.
func readFrame(t *testing.T, raw json.RawMessage) client.Frame {
	t.Helper()
	frames, err := client.ParseFrames([]byte(asText(t, raw)))
	if err != nil || len(frames) != 1 {
		t.Fatalf("%s is %d frames: %v", raw, len(frames), err)
	}
	return frames[0]
}

func shownRows(r *client.Replica) string {
	rows := r.Rows()
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "%s=%s@%d ", id, rows[id].Payload, rows[id].Version)
	}
	return b.String()
}

func wantedRows(rows map[string]rowValue) string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		var payload strings.Builder
		if err := json.NewEncoder(&payload).Encode(rows[id][1]); err != nil {
			panic(err) // it has just been decoded
		}
		fmt.Fprintf(&b, "%s=%s@%s ", id, strings.TrimSpace(payload.String()), rows[id][0])
	}
	return b.String()
}
