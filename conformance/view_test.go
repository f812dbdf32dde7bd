package conformance_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

type viewCase struct {
	Name  string
	Given givenRows
	Steps []struct {
		Adds    string // client.seq
		Changes json.RawMessage
		Hears   json.RawMessage
		Shows   map[string]any
		Layers  int
	}
}

// What a user sees never flickers, whichever of ack and event comes first.
func TestViewVectors(t *testing.T) {
	var file struct {
		About string
		Cases []viewCase
	}
	if err := conformance.Read("vectors/view.json", &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			r := c.Given.replica(t)
			v, made := client.NewView(r), make(map[string]topics.Mutation)
			for i, s := range c.Steps {
				if s.Adds != "" {
					made[s.Adds] = mutationAt(t, s.Adds, s.Changes)
					v.Add(made[s.Adds])
				} else {
					hear(t, v, r, made, readFrame(t, s.Hears))
				}
				if got := payloads(t, v); !reflect.DeepEqual(got, s.Shows) || len(v.Layers()) != s.Layers {
					t.Fatalf("step %d shows %v under %d layers; want %v under %d", i+1, got, len(v.Layers()), s.Shows, s.Layers)
				}
			}
		})
	}
}

// hear gives a frame to the view: an answer as the outbox settles it, any other frame
// through the replica.
func hear(t *testing.T, v *client.View, r *client.Replica, made map[string]topics.Mutation, f client.Frame) {
	t.Helper()
	if f.Type != "ack" && f.Type != "reject" {
		v.Apply(f, r.Apply)
		return
	}
	m, known := made[fmt.Sprintf("%s.%d", f.Client, f.Seq)]
	if !known {
		t.Fatalf("an answer to %s.%d, which was not made", f.Client, f.Seq)
	}
	s := client.Settled{Mutation: m, Status: topics.StatusRejected, Code: f.Code, Answer: f}
	if f.Type == "ack" {
		s.Status, s.Position = topics.StatusApplied, topics.Position{Epoch: f.Epoch, Version: f.Version}
	}
	v.Settle(s)
}

func mutationAt(t *testing.T, place string, changes json.RawMessage) topics.Mutation {
	t.Helper()
	m := topics.Mutation{Topic: listed, Changes: readChanges(t, changes)}
	name, seq, _ := strings.Cut(place, ".")
	if _, err := fmt.Sscan(seq, &m.Seq); err != nil {
		t.Fatal(err)
	}
	m.Client = name
	return m
}

// payloads are the rows that a user sees.
func payloads(t *testing.T, v *client.View) map[string]any {
	t.Helper()
	rows := make(map[string]any)
	for id, row := range v.Rows() {
		var value any
		if err := json.Unmarshal(row.Payload, &value); err != nil {
			t.Fatal(err)
		}
		rows[id] = value
	}
	return rows
}
