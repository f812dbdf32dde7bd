package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// writePatience is how long put, patch and delete try again where the server says later.
const writePatience = 10 * time.Second

// change is what put, patch and delete have in common: one change of one entity.
type change struct {
	connection
	op        topics.Op
	ifVersion string
	event     string
	asJSON    bool
}

func newPut(c *console) *cobra.Command {
	return newChange(c, topics.OpPut, "put TOPIC ID [JSON]", "Write a row", `Make JSON the value of the row ID, from the argument or, without it or with -, from
standard input.`)
}

func newPatch(c *console) *cobra.Command {
	return newChange(c, topics.OpPatch, "patch TOPIC ID [JSON]", "Change part of a row", `Merge JSON into the value of the row ID (RFC 7396: members replace members, null removes
them), from the argument or, without it or with -, from standard input.`)
}

func newDelete(c *console) *cobra.Command {
	return newChange(c, topics.OpDelete, "delete TOPIC ID", "Remove a row", "Remove the row ID.")
}

func newChange(c *console, op topics.Op, use, short, long string) *cobra.Command {
	w := change{connection: connection{console: c}, op: op}
	most, names := 3, "TOPIC, ID and JSON"
	if op == topics.OpDelete {
		most, names = 2, "TOPIC and ID"
	}
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: args(2, most, names), RunE: does(w.run)}
	w.flags(cmd)
	cmd.Flags().StringVar(&w.ifVersion, "if-version", "", "only if the row is at this version; 0: only if there is none")
	cmd.Flags().StringVar(&w.event, "event", "", "the event's name (default ADDED, UPDATED or DELETED)")
	cmd.Flags().BoolVar(&w.asJSON, "json", false, "print the server's answer as JSON")
	return cmd
}

func (w *change) run(cmd *cobra.Command, args []string) error {
	name, err := topicOf(args[0])
	if err != nil {
		return err
	}
	step, err := w.step(args[1:])
	if err != nil {
		return err
	}
	client, err := w.client()
	if err != nil {
		return err
	}
	defer client.Close()
	ack, err := client.Mutate(cmd.Context(), remote.Mutation{
		Topic: name, Key: rand.Text(), Changes: []remote.Change{step}, Patience: writePatience,
	})
	if err != nil {
		return alone(err)
	}
	if w.asJSON {
		_, err := fmt.Fprintf(w.console.out, "%s\n", ack.JSON)
		return err
	}
	_, err = fmt.Fprintf(w.console.out, "%s at version %d\n", ack.Status, ack.Version)
	return err
}

// step reads the change from the command line.
func (w *change) step(args []string) (remote.Change, error) {
	id, err := entityOf(args[0])
	if err != nil {
		return remote.Change{}, err
	}
	step := remote.Change{EntityID: id, Event: w.event}
	if w.op != topics.OpPut {
		step.Op = w.op.String()
	}
	if w.event != "" {
		if err := topics.CheckEventName(w.event); err != nil {
			return remote.Change{}, usage(err)
		}
	}
	if w.ifVersion != "" {
		version, err := topics.ParseVersion(w.ifVersion)
		if err != nil {
			return remote.Change{}, usagef("--if-version %q must be a whole number, as lockstep get shows it", w.ifVersion)
		}
		step.IfVersion = &version
	}
	if w.op != topics.OpDelete {
		step.Payload, err = w.payload(args[1:])
	}
	return step, err
}

// payload reads the JSON, and refuses here what every server would refuse.
func (w *change) payload(args []string) (json.RawMessage, error) {
	var text []byte
	if len(args) == 1 && args[0] != "-" {
		text = []byte(args[0])
	} else {
		var err error
		if text, err = io.ReadAll(io.LimitReader(w.console.in, strict.DefaultBytes+1)); err != nil {
			return nil, usagef("reading standard input: %w", err)
		}
	}
	compact, err := strict.Compact(nil, text, strict.Limits{})
	var refused *strict.Error
	switch {
	case err == nil:
		return compact, nil
	case errors.As(err, &refused) && refused.TooLarge:
		return nil, usage(topics.Errorf(topics.CodeTooLarge, at(refused), "%s", refused.Problem))
	case errors.As(err, &refused):
		return nil, usage(topics.Errorf(topics.CodeInvalid, at(refused), "%s (at byte %d of %s)", refused.Problem, refused.Offset, clip(string(text), 60)))
	}
	return nil, usage(err)
}

// at names the place as the server would.
func at(e *strict.Error) string {
	if e.Path == "" {
		return "payload"
	}
	return "payload." + e.Path
}

// alone takes the index out of a refusal's field: there is only one change.
func alone(err error) error {
	var refusal *remote.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	said := *refusal.Said
	said.Field = strings.TrimPrefix(said.Field, "changes[0].")
	named := *refusal
	named.Said = &said
	return &named
}
