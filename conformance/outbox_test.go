package conformance_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

type outboxCase struct {
	Name   string
	Rules  []string
	May    string // what a client may do instead; this one does as the case shows
	Window int
	Steps  []outboxStep
}

type outboxStep struct {
	Adds  json.RawMessage // changes
	At    string
	Is    string
	Needs uint64

	Takes []string

	Hears   json.RawMessage
	Settles []string
	Pauses  *struct {
		AfterMS int64 `json:"after_ms"`
		Auth    bool
	}

	Lost, Overdue, Retries bool
}

const listed = topics.Name("gift-list:1")

// P3: what is sent, sent again and settled.
func TestOutboxVectors(t *testing.T) {
	var file struct {
		About string
		Cases []outboxCase
	}
	if err := conformance.Read("vectors/outbox.json", &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			lanes := 0
			o := client.NewOutbox(func() string { lanes++; return fmt.Sprintf("c%d", lanes) })
			o.Window = c.Window
			for i, s := range c.Steps {
				if fault := s.play(t, o); fault != "" {
					t.Fatalf("step %d: %s", i+1, fault)
				}
			}
		})
	}
}

// play does one step, and says what went otherwise.
func (s outboxStep) play(t *testing.T, o *client.Outbox) string {
	t.Helper()
	switch {
	case s.Adds != nil:
		at, err := topics.ParsePosition(s.At)
		if err != nil {
			t.Fatal(err)
		}
		m := o.Add(topics.Mutation{Topic: listed, Changes: readChanges(t, s.Adds)}, at)
		if place(m) != s.Is || m.Needs != s.Needs || m.Epoch != at.Epoch {
			return fmt.Sprintf("the mutation is %s, of %s, and needs %d; want %s, which needs %d", place(m), m.Epoch, m.Needs, s.Is, s.Needs)
		}
	case s.Takes != nil:
		var got []string
		for _, m := range o.Take() {
			got = append(got, place(m))
		}
		if !slices.Equal(got, s.Takes) {
			return fmt.Sprintf("it sends %v; want %v", got, s.Takes)
		}
	case s.Hears != nil:
		return s.hear(t, o)
	case s.Lost:
		o.Lost()
	case s.Overdue:
		o.Overdue(listed)
	case s.Retries:
		o.Retry(listed)
	}
	return ""
}

func (s outboxStep) hear(t *testing.T, o *client.Outbox) string {
	t.Helper()
	settled, pause := o.Answer(readFrame(t, s.Hears))
	var got []string
	for _, one := range settled {
		word := one.Status.String()
		switch {
		case one.Unknown:
			word = "unknown"
		case one.Status == topics.StatusRejected:
			word += " " + string(one.Code)
		}
		got = append(got, place(one.Mutation)+" "+word)
	}
	if !slices.Equal(got, s.Settles) {
		return fmt.Sprintf("it settles %v; want %v", got, s.Settles)
	}
	switch {
	case (pause != nil) != (s.Pauses != nil):
		return fmt.Sprintf("the pause is %+v; want %+v", pause, s.Pauses)
	case pause != nil && (pause.After.Milliseconds() != s.Pauses.AfterMS || pause.Auth != s.Pauses.Auth || pause.Topic != listed):
		return fmt.Sprintf("the pause is %+v; want %+v", *pause, *s.Pauses)
	}
	return ""
}

func place(m topics.Mutation) string { return fmt.Sprintf("%s.%d", m.Client, m.Seq) }

// readChanges reads changes as the server does.
func readChanges(t *testing.T, raw json.RawMessage) []topics.Change {
	t.Helper()
	m, err := frame.DecodeMutation([]byte(`{"changes":`+string(raw)+`}`), strict.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Changes
}
