//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/bench"
)

const benchText = `Measure a server on this machine with a load from another process: deliveries to many
subscribers, latency, memory of idle sessions, clients coming back, acknowledged writes,
joins. Everything is on disk before it is acknowledged.

Each round starts servers of its own. A figure counts only when every subscriber received
every event once and in order. The table shows the median of the rounds; a warning says
when other processes took the machine meanwhile. --peers measures other servers with the
same load in the same rounds; their folder is in the source tree.`

// defaultPeers is where the peers are, seen from the root of the source tree.
const defaultPeers = "cmd/lockstep/internal/bench/peers"

// defaultRounds is how many make a median.
const defaultRounds = 3

// benching is the bench command.
type benching struct {
	console  *console
	options  bench.Options
	asJSON   bool
	profiles string
	against  string // another build of this program
}

func newBench(c *console) *cobra.Command {
	b := benching{console: c}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure a server on this machine", Long: benchText, Args: args(0, 0, "nothing"),
		RunE: does(func(cmd *cobra.Command, _ []string) error { return b.run(cmd.Context()) }),
	}
	f := cmd.Flags()
	f.StringSliceVar(&b.options.Only, "only", nil, "measure only what begins with these words, such as fanout-1000,idle")
	f.BoolVar(&b.options.Quick, "quick", false, "tiny sizes: totals are checked, and times mean nothing")
	f.IntVar(&b.options.Rounds, "rounds", defaultRounds, "how often to measure everything")
	f.StringVar(&b.options.Dir, "dir", os.TempDir(), "where servers keep their topics: on the disk that is to be measured")
	f.StringVar(&b.options.Peers, "peers", "", "measure other servers too; their folder, seen from the root of the source tree: "+defaultPeers)
	f.Lookup("peers").NoOptDefVal = defaultPeers
	f.StringSliceVar(&b.options.Rivals, "rivals", nil, "of the peers only these: ws, socket.io, jetstream")
	f.StringVar(&b.against, "against", "", "another build of lockstep to measure in the same rounds")
	f.StringVar(&b.profiles, "profiles", "", "a folder for the server's CPU and allocation profiles; they cost a little")
	f.BoolVar(&b.asJSON, "json", false, "print the report as JSON")
	cmd.AddCommand(newBenchServer(c), newBenchLoad(c))
	return cmd
}

func (b *benching) run(ctx context.Context) error {
	if b.options.Rounds < 1 {
		return usagef("--rounds %d must be at least 1", b.options.Rounds)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.options.Server = []string{self, "bench", "server"}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil { //nolint:gosec // profiles are no secret
			return err
		}
		b.options.Server = append(b.options.Server, "--profiles", b.profiles)
	}
	if b.against != "" {
		b.options.Against = []string{b.against, "bench", "server"}
	}
	b.options.Load = []string{self, "bench", "load"}
	b.options.Log = b.console.err
	report, err := bench.Run(ctx, b.options)
	if err != nil {
		return err
	}
	report.Raised = raised
	if b.asJSON {
		encoder := json.NewEncoder(b.console.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.Print(b.console.out)
	}
	if err == nil && len(report.Faults) > 0 {
		err = fmt.Errorf("%d measurements failed; the first is %s", len(report.Faults), report.Faults[0])
	}
	return err
}

func newBenchLoad(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "load", Hidden: true, Args: args(0, 0, "nothing"),
		RunE: does(func(*cobra.Command, []string) error { return bench.Load(c.in, c.out) }),
	}
}
