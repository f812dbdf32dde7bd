package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const rootText = `Lockstep keeps the state that clients hold in step with the state that a server holds.

A resource is a topic, type:identifier, such as gift-list:123: a set of entities plus
the log of the events that made it.`

// newRoot builds the command with all its parts.
func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:           "lockstep",
		Short:         "State that clients hold, in step with a server's",
		Long:          rootText,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newServe(c), newDemo(c),
		newGet(c), newTail(c), newPut(c), newPatch(c), newDelete(c), newImport(c),
		newToken(c), newConfig(c), newCheck(c), newBench(c), newValidate(c), newVersion(c),
	)
	return root
}

// does makes a cobra function of one that fails while working: its error is not
// about the command line, unless it says so.
func does(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := work(cmd, args); err != nil {
			return &workError{err}
		}
		return nil
	}
}

// args wants so many arguments and names them where they are missing.
func args(least, most int, names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			got := "nothing"
			if len(args) > 0 {
				got = fmt.Sprintf("%d: %s", len(args), strings.Join(args, " "))
			}
			return usagef("want %s, got %s", names, got)
		}
		return nil
	}
}
