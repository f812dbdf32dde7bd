package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/conformance/validate"
)

const validateText = `Check frames, event envelopes or HTTP bodies against protocol lockstep.v1, from files or from
standard input (-). A file is one JSON text, or one to a line. What is wrong is printed with
its place and the rule of conformance/SPEC.md that it breaks; the exit code is then 2.

What a text should be is guessed from what it says of itself, or named with --as: `

// validating is the validate command.
type validating struct {
	console *console
	as      string
}

func newValidate(c *console) *cobra.Command {
	v := validating{console: c}
	var kinds []string
	for _, k := range validate.Kinds() {
		kinds = append(kinds, string(k))
	}
	cmd := &cobra.Command{
		Use: "validate [FILE…]", Short: "Check frames and bodies against the protocol",
		Long: validateText + "\n" + strings.Join(kinds, ", ") + ".",
		RunE: does(func(_ *cobra.Command, files []string) error { return v.run(files) }),
	}
	cmd.Flags().StringVar(&v.as, "as", "", "what the texts should be")
	return cmd
}

func (v *validating) run(files []string) error {
	if v.as != "" && !slices.Contains(validate.Kinds(), validate.Kind(v.as)) {
		return usagef("--as %q is no kind of text; lockstep help validate lists them", v.as)
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	texts, faults := 0, 0
	for _, name := range files {
		file, err := v.read(name)
		if err != nil {
			return usage(err)
		}
		n, found := validate.File(validate.Kind(v.as), file)
		for _, f := range found {
			fmt.Fprintf(v.console.out, "%s:%s\n", name, f)
		}
		texts, faults = texts+n, faults+len(found)
	}
	if faults > 0 {
		return usagef("%d faults in %d texts", faults, texts)
	}
	fmt.Fprintf(v.console.out, "sound: %d\n", texts)
	return nil
}

func (v *validating) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(v.console.in)
	}
	return os.ReadFile(name)
}
