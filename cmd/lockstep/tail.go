package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
	"github.com/lockstep-sync/lockstep/topics"
)

const tailText = `Follow a topic: print every event that comes, one per line: version, event, entity_id and
payload, with tabs between. When the line drops, tail reconnects and goes on where it was:
it skips nothing and repeats nothing. Stop it with Ctrl-C; it then says the position to go
on from with --after.

After a sleep the topic may have moved on further than the server replays. Mode latest then
gets the last event of each entity; mode every gets all of them while the server keeps them.
Where rows have to be loaded anew they come as ROW lines.

With --json every line is an event as the server sends it, with its position.`

func newTail(c *console) *cobra.Command {
	t := tail{connection: connection{console: c}}
	cmd := &cobra.Command{
		Use: "tail TOPIC", Short: "Follow a topic", Long: tailText, Args: args(1, 1, "TOPIC"), RunE: does(t.run),
	}
	t.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&t.after, "after", "", "go on after this position, epoch-version; 0: from the beginning (default: from now on)")
	f.StringVar(&t.mode, "mode", "latest", "latest, or every: no event is ever left out")
	f.BoolVar(&t.asJSON, "json", false, "print events as JSON")
	return cmd
}

// tail prints what a topic says.
type tail struct {
	connection
	after, mode string
	asJSON      bool
	out         *bufio.Writer
	at          topics.Position // after the last frame printed
}

func (t *tail) run(cmd *cobra.Command, args []string) error {
	name, err := topicOf(args[0])
	if err != nil {
		return err
	}
	if t.mode != "latest" && t.mode != "every" {
		return usagef("--mode %q must be latest or every", t.mode)
	}
	client, err := t.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if err := t.start(cmd.Context(), client, name); err != nil {
		return err
	}
	t.out = bufio.NewWriter(t.console.out)
	fmt.Fprintf(t.console.err, "following %s after %s\n", name, t.at)
	err = client.Follow(cmd.Context(), remote.Following{Topic: name, After: t.at, Every: t.mode == "every", Lost: t.lost}, t.print)
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(t.console.err, "stopped; go on with --after %s\n", t.at)
		return nil
	}
	return err
}

// start finds the position to follow from.
func (t *tail) start(ctx context.Context, client *remote.Client, name topics.Name) (err error) {
	if t.after != "" && t.after != "0" {
		t.at, err = topics.ParsePosition(t.after)
		return usage(err)
	}
	t.at, err = client.Position(ctx, name)
	if t.after == "0" {
		t.at.Version = 0
	}
	return err
}

func (t *tail) lost(err error) {
	if err == nil {
		fmt.Fprintln(t.console.err, "connected again")
		return
	}
	fmt.Fprintf(t.console.err, "%v; trying again\n", err)
}

// print writes one frame's lines. They are out before the next frame is waited for.
func (t *tail) print(f remote.Frame) error {
	if f.Type == "resync" {
		missed := ""
		if f.Count > 0 {
			missed = fmt.Sprintf(", %d events are gone", f.Count)
		}
		fmt.Fprintf(t.console.err, "the topic is loaded anew (%s%s)\n", f.Reason, missed)
	}
	if f.Dropped > 0 {
		fmt.Fprintf(t.console.err, "%d custom events were left out\n", f.Dropped)
	}
	for i := range f.Entities {
		row := &f.Entities[i]
		t.line(topics.Position{Epoch: f.Epoch, Version: row.Version}, "ROW", row.EntityID, row.Payload, row.JSON)
	}
	for i := range f.Events {
		e := &f.Events[i]
		data, err := e.Data()
		if err != nil {
			return fmt.Errorf("the server's event %d cannot be read: %w", e.Version, err)
		}
		t.line(topics.Position{Epoch: f.Epoch, Version: e.Version}, e.Name, data.EntityID, data.Payload, e.JSON)
	}
	t.at = f.At
	return t.out.Flush()
}

func (t *tail) line(at topics.Position, event, id string, payload, whole []byte) {
	if t.asJSON {
		fmt.Fprintf(t.out, "{\"position\":%s,%s\n", strconv.Quote(at.String()), whole[1:])
		return
	}
	fmt.Fprintf(t.out, "%d\t%s\t%s\t%s\n", at.Version, event, id, payload)
}
