package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/remote"
)

const getText = `Print the rows of a topic, one per line: entity_id, version and payload, with tabs
between. With an ID print that row's payload.

With --json every line is a row as the server sends it.`

func newGet(c *console) *cobra.Command {
	n := connection{console: c}
	asJSON := false
	cmd := &cobra.Command{
		Use: "get TOPIC [ID]", Short: "Print a topic's rows, or one of them", Long: getText,
		Args: args(1, 2, "TOPIC and perhaps ID"),
		RunE: does(func(cmd *cobra.Command, args []string) error { return n.get(cmd, args, asJSON) }),
	}
	n.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print rows as JSON")
	return cmd
}

func (n *connection) get(cmd *cobra.Command, args []string, asJSON bool) error {
	name, err := topicOf(args[0])
	if err != nil {
		return err
	}
	client, err := n.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if len(args) == 2 {
		id, err := entityOf(args[1])
		if err != nil {
			return err
		}
		row, err := client.Row(cmd.Context(), name, id)
		if err != nil {
			return err
		}
		return n.printRow(row, asJSON)
	}
	out := bufio.NewWriter(n.console.out)
	_, err = client.Rows(cmd.Context(), name, func(row remote.Row) error {
		if asJSON {
			_, err := fmt.Fprintf(out, "%s\n", row.JSON)
			return err
		}
		_, err := fmt.Fprintf(out, "%s\t%d\t%s\n", row.EntityID, row.Version, row.Payload)
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

func (n *connection) printRow(row remote.Row, asJSON bool) error {
	if asJSON {
		_, err := fmt.Fprintf(n.console.out, "%s\n", row.JSON)
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, row.Payload, "", "  "); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	_, err := fmt.Fprintln(n.console.out, pretty.String())
	return err
}
