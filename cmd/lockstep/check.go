package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/store/badger"
)

const checkText = `Read everything that a server has stored, and prove it: every checksum, logs without a hole,
rows and counts as the log says. No server may run over the directory meanwhile.

Opening the directory proves that nothing acknowledged is missing. What check then finds
damaged it names by topic; the server would quarantine these and serve the others.`

// checking is the check command.
type checking struct {
	console *console
	data    string
	asJSON  bool
}

func newCheck(c *console) *cobra.Command {
	k := checking{console: c}
	cmd := &cobra.Command{
		Use: "check", Short: "Prove that what is stored is whole", Long: checkText, Args: args(0, 0, "nothing"),
		RunE: does(func(cmd *cobra.Command, _ []string) error { return k.run(cmd.Context()) }),
	}
	cmd.Flags().StringVar(&k.data, "data", "", "the directory to check (default $LOCKSTEP_DATA, or ./lockstep-data)")
	cmd.Flags().BoolVar(&k.asJSON, "json", false, "print the report as JSON")
	return cmd
}

// checked is what a check found.
type checked struct {
	Topics  int64    `json:"topics"`
	Events  int64    `json:"events"`
	Rows    int64    `json:"rows"`
	Damaged []damage `json:"damaged"`
	Orphans []string `json:"orphans"`
	Seconds float64  `json:"seconds"`
}

// damage is one topic that is not whole.
type damage struct {
	Topic   string `json:"topic"`
	Version uint64 `json:"version"`
	Detail  string `json:"detail"`
}

func (k *checking) run(ctx context.Context) error {
	k.console.settle(&k.data, "LOCKSTEP_DATA", defaultData)
	if _, err := os.Stat(k.data); errors.Is(err, fs.ErrNotExist) {
		return usagef("there is no directory %s; name the one that serve has as --data", k.data)
	}
	began := time.Now()
	s, err := badger.Open(badger.Options{Dir: k.data, Logger: newLog(k.console.err, slog.LevelError)}) //nolint:contextcheck // not cut short
	if err != nil {
		return storeError(k.data, err)
	}
	report, err := s.Check(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("checking %s: %w", k.data, err)
	}
	found := checked{
		Topics: report.Topics, Events: report.Events, Rows: report.Rows,
		Damaged: []damage{}, Orphans: append([]string{}, report.Orphans...), Seconds: time.Since(began).Seconds(),
	}
	for _, d := range report.Damage {
		found.Damaged = append(found.Damaged, damage{d.Topic.String(), uint64(d.Version), d.Detail})
	}
	return k.report(found)
}

func (k *checking) report(found checked) error {
	if k.asJSON {
		if err := json.NewEncoder(k.console.out).Encode(found); err != nil {
			return err
		}
	} else {
		out := k.console.out
		for _, d := range found.Damaged {
			fmt.Fprintf(out, "damaged: %s at version %d: %s\n", d.Topic, d.Version, d.Detail)
		}
		for _, topic := range found.Orphans {
			fmt.Fprintf(out, "left over, and only takes room: %s\n", topic)
		}
		fmt.Fprintf(out, "%d topics, %d events, %d rows read in %.1f s\n", found.Topics, found.Events, found.Rows, found.Seconds)
	}
	if n := len(found.Damaged); n > 0 {
		return fmt.Errorf("%d of %d topics are damaged; restore the directory, or go on without them", n, found.Topics)
	}
	return nil
}
