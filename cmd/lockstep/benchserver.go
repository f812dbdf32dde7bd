//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// benchLimits let one address and one user have all the sessions at once.
var benchLimits = server.Limits{
	DrainWindow: time.Millisecond, AddressSessions: 100_000, UserSessions: 100_000, NewSessions: 100_000, Frames: 10_000_000,
}

// raised says so.
var raised = []string{"sessions per address, per user and new in a second: 100,000", "frames a second from one session: 10,000,000"}

// benchDrain is how long a measured server waits for the goodbyes of a load that has gone.
const benchDrain = 2 * time.Second

func newBenchServer(c *console) *cobra.Command {
	profiles := ""
	cmd := &cobra.Command{
		Use: "server DIR", Hidden: true, Args: args(1, 1, "a directory"),
		RunE: does(func(cmd *cobra.Command, args []string) error {
			return profiled(profiles, func() error { return serveBench(cmd.Context(), c.out, args[0]) })
		}),
	}
	cmd.Flags().StringVar(&profiles, "profiles", "", "")
	return cmd
}

// serveBench is a server as serve --dev makes one, but for its limits and its log,
// which nobody reads.
func serveBench(ctx context.Context, out io.Writer, dir string) error {
	boundMemory()
	public, err := listen(ctx, "--listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	disk, err := badger.Open(badger.Options{Dir: dir}) //nolint:contextcheck // not cut short
	if err != nil {
		return errors.Join(storeError(dir, err), public.Close())
	}
	metrics := prometheus.NewRegistry()
	engine := statesync.New(statesync.Options{Store: disk, Metrics: metrics})
	s := server.New(server.Options{Engine: engine, Authenticator: server.DevAuth{}, Limits: benchLimits, Metrics: metrics})
	err = json.NewEncoder(out).Encode(map[string]string{"address": public.Addr().String()})
	if err == nil {
		err = answerUntil(ctx, s, public)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), benchDrain)
	defer cancel()
	return errors.Join(err, engine.Close(closing), disk.Close())
}

// answerUntil answers until ctx ends.
func answerUntil(ctx context.Context, s *server.Server, public net.Listener) error {
	web := s.HTTPServer(s.Handler())
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(public) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), benchDrain)
	defer cancel()
	_ = s.Drain(draining) // the load does not wait for goodbyes
	if err := web.Shutdown(draining); err != nil {
		return err
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
