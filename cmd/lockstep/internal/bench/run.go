//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Options say what to measure. Server and Load are required.
type Options struct {
	// Server is the command that starts the product's server. It is given a directory
	// to keep topics in, and says {"address":"host:port"} on its standard output.
	Server []string
	// Load is the command that calls [Load].
	Load   []string
	Only   []string // the beginnings of workloads' names; none: all
	Quick  bool     // tiny sizes: totals are checked, and times mean nothing
	Rounds int
	Dir    string // where servers keep their topics; on the disk to be measured
	// Against is the server command of another build of the product, which takes part
	// like a peer; none: it does not.
	Against []string
	Peers   string    // the folder of the peers; empty: none of them
	Rivals  []string  // of the peers; none: all
	Log     io.Writer // told what is under way
}

// spareFiles are what a process opens beside its connections.
const spareFiles = 100

// bench is one run.
type bench struct {
	Options
	serverCores, loadCores []int
	peers                  map[string]peer
	report                 *Report
}

// Run measures all rounds. What fails is in the report and does not end the run; when
// ctx ends, the report holds what there is.
func Run(ctx context.Context, o Options) (*Report, error) {
	list := workloads()
	if o.Quick {
		list = quick(list)
	}
	list, err := only(list, o.Only)
	if err != nil {
		return nil, err
	}
	b := &bench{Options: o, report: newReport(o)}
	if all := cores(); len(all) > 1 && !o.Quick {
		b.serverCores, b.loadCores = all[:1], all[1:]
		b.report.Pinned = true
	}
	if b.peers, err = b.preparePeers(ctx); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		for _, w := range list {
			for _, who := range b.contestants(w) {
				fmt.Fprintf(o.Log, "round %d of %d: %s: %s\n", round+1, o.Rounds, w.Name, who)
				result, err := b.measure(ctx, w, who)
				if ctx.Err() != nil { // what has been measured stands
					b.report.Faults = append(b.report.Faults, "the run was interrupted in round "+strconv.Itoa(round+1))
					return b.report, nil //nolint:nilerr // the fault says so
				}
				if err != nil {
					result.Fault = err.Error()
				}
				b.report.add(w.Name, who, result)
			}
		}
	}
	return b.report, nil
}

// contestants are the product and those peers that take part in a workload.
func (b *bench) contestants(w Workload) []string {
	who := []string{product}
	if len(b.Against) > 0 {
		who = append(who, against)
	}
	for _, name := range w.peers {
		if _, ok := b.peers[name]; ok && (len(b.Rivals) == 0 || slices.Contains(b.Rivals, name)) {
			who = append(who, name)
		}
	}
	return who
}

// measure makes one figure, with a server and a directory of its own.
func (b *bench) measure(ctx context.Context, w Workload, who string) (r Result, err error) {
	dir, err := os.MkdirTemp(b.Dir, "lockstep-bench-*")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	job := w.job
	job.Contestant = who
	if need := job.Followers + spareFiles; b.report.Files < need {
		return r, fmt.Errorf("%d open files are needed, and a process may have %d here; raise the hard limit (ulimit -Hn)", need, b.report.Files)
	}
	if w.cold {
		filling := job
		filling.Kind = "fill"
		filled, err := b.serveAndLoad(ctx, filling, dir)
		if err != nil || filled.Fault != "" {
			return filled, err
		}
		job.From = filled.From
	}
	return b.serveAndLoad(ctx, job, dir)
}

func (b *bench) serveAndLoad(ctx context.Context, job Job, dir string) (Result, error) {
	s, err := b.serve(ctx, job, dir)
	if err != nil {
		return Result{}, err
	}
	job.Address, job.PID = s.Address, s.cmd.Process.Pid
	r, err := load(ctx, b.loadCores, job, b.Load...)
	return r, errors.Join(err, s.stop())
}

func (b *bench) serve(ctx context.Context, job Job, dir string) (*served, error) {
	data := filepath.Join(dir, "data")
	switch job.Contestant {
	case product:
		return serve(ctx, b.serverCores, nil, append(slices.Clone(b.Server), data)...)
	case against:
		return serve(ctx, b.serverCores, nil, append(slices.Clone(b.Against), data)...)
	}
	p := b.peers[job.Contestant]
	return serve(ctx, b.serverCores, []string{"BENCH_KIND=" + job.Kind, "BENCH_DIR=" + dir}, p.command...)
}
