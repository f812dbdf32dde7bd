package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
)

const serveText = `Run a server. It keeps its topics in the directory --data, which it makes when there is none.

With --dev clients need no token: they are who ?user= says, and may do everything. Such a
server listens on loopback addresses only.

SIGINT or SIGTERM ends it in order: clients are told to come back, what was taken is
answered, the store is closed. A second signal ends it at once; nothing acknowledged is
lost by that.`

// devLimits make a server with --dev say goodbye quickly: its developer waits.
var devLimits = server.Limits{DrainWindow: 300 * time.Millisecond}

// serving is the serve command.
type serving struct {
	console                *console
	listen, admin, data    string
	dev                    bool
	acceptCopy, acceptLoss bool
}

func newServe(c *console) *cobra.Command {
	s := serving{console: c}
	cmd := &cobra.Command{
		Use: "serve", Short: "Run a server", Long: serveText, Args: args(0, 0, "nothing"),
		RunE: does(func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) }),
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "", "where clients connect (default $LOCKSTEP_LISTEN, or "+defaultListen+")")
	f.StringVar(&s.admin, "admin-listen", "", "where health and metrics are told (default $LOCKSTEP_ADMIN_LISTEN, or "+defaultAdmin+")")
	f.StringVar(&s.data, "data", "", "the directory to keep topics in (default $LOCKSTEP_DATA, or ./lockstep-data)")
	f.BoolVar(&s.dev, "dev", false, "believe every client, without tokens; loopback addresses only")
	f.BoolVar(&s.acceptCopy, "accept-copy", false, "open a directory that was copied or restored; every client loads again")
	f.BoolVar(&s.acceptLoss, "accept-loss", false, "open a directory in which acknowledged data is missing; every client loads again")
	return cmd
}

func (s *serving) run(ctx context.Context) error {
	s.console.settle(&s.listen, "LOCKSTEP_LISTEN", defaultListen)
	s.console.settle(&s.admin, "LOCKSTEP_ADMIN_LISTEN", defaultAdmin)
	s.console.settle(&s.data, "LOCKSTEP_DATA", defaultData)
	if !s.dev {
		return usagef("serve needs --dev: tokens come with the next release, and until then a server believes every client")
	}
	if err := errors.Join(checkLoopback("--listen", s.listen), checkLoopback("--admin-listen", s.admin)); err != nil {
		return err
	}
	public, err := listen(ctx, "--listen", s.listen)
	if err != nil {
		return err
	}
	admin, err := listen(ctx, "--admin-listen", s.admin)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	h, err := build(plan{ //nolint:contextcheck // opening a store is not cut short
		store:  badger.Options{Dir: s.data, AcceptCopy: s.acceptCopy, AcceptLoss: s.acceptLoss},
		auth:   server.DevAuth{},
		limits: devLimits,
		log:    newLog(s.console.err, slog.LevelInfo),
	})
	if err != nil {
		return errors.Join(err, public.Close(), admin.Close())
	}
	out := s.console.out
	fmt.Fprintf(out, "clients:  %s (development: no tokens, everybody may do everything)\n", urlOf(public))
	fmt.Fprintf(out, "admin:    %s (/readyz, /metrics)\n", urlOf(admin))
	fmt.Fprintf(out, "data:     %s\n", s.data)
	if err := h.live(ctx, door{public, h.server.Handler()}, door{admin, h.admin()}); err != nil {
		return err
	}
	fmt.Fprintln(out, "stopped")
	return nil
}

// settle gives a setting that no flag has set the environment's value, or else the
// default.
func (c *console) settle(value *string, variable, otherwise string) {
	if *value == "" {
		*value = c.env(variable)
	}
	if *value == "" {
		*value = otherwise
	}
}

// newLog makes the log: text for a person at a terminal, JSON for programs.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
