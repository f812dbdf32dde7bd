package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/config"
	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

const serveText = `Run a server. It keeps its topics in the directory --data, which it makes when there is none.

Clients show a token (JWT), and the server checks it with the keys that the configuration
names: auth.secret for HS256, or auth.public_keys for RS256, ES256 and EdDSA. With --dev
clients need none: they are who ?user= says, and may do everything. Such a server listens
on loopback addresses only.

Settings come from the file --config, from the environment (auth.secret as
LOCKSTEP_AUTH_SECRET), and from flags; the later wins. lockstep config check tells what is
set and what is wrong.

SIGINT or SIGTERM ends it in order: clients are told to come back, what was taken is
answered, the store is closed. A second signal ends it at once; nothing acknowledged is
lost by that.`

// Over how long a server says goodbye. With --dev its developer waits.
const (
	drain    = 5 * time.Second
	devDrain = 300 * time.Millisecond
)

// devLimits are those of a server with --dev.
var devLimits = server.Limits{DrainWindow: devDrain}

// serving is the serve command.
type serving struct {
	configured
	listen, admin, data    string
	dev                    bool
	acceptCopy, acceptLoss bool
}

func newServe(c *console) *cobra.Command {
	s := serving{configured: configured{console: c}}
	cmd := &cobra.Command{
		Use: "serve", Short: "Run a server", Long: serveText, Args: args(0, 0, "nothing"),
		RunE: does(func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) }),
	}
	s.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", "", "where clients connect (default $LOCKSTEP_LISTEN, or "+defaultListen+")")
	f.StringVar(&s.admin, "admin-listen", "", "where health and metrics are told (default $LOCKSTEP_ADMIN_LISTEN, or "+defaultAdmin+")")
	f.StringVar(&s.data, "data", "", "the directory to keep topics in (default $LOCKSTEP_DATA, or "+defaultData+")")
	f.BoolVar(&s.dev, "dev", false, "believe every client, without tokens; loopback addresses only")
	f.BoolVar(&s.acceptCopy, "accept-copy", false, "open a directory that was copied or restored; every client loads again")
	f.BoolVar(&s.acceptLoss, "accept-loss", false, "open a directory in which acknowledged data is missing; every client loads again")
	return cmd
}

// settings are those of the configuration, and of the flags over them.
func (s *serving) settings() (*config.Config, server.Authenticator, error) {
	c, err := s.read()
	if err != nil {
		return nil, nil, err
	}
	for _, flag := range []struct {
		value   string
		setting *string
	}{{s.listen, &c.Listen}, {s.admin, &c.AdminListen}, {s.data, &c.Data}} {
		if flag.value != "" {
			*flag.setting = flag.value
		}
	}
	c.Dev = c.Dev || s.dev
	if c.Server.DrainWindow == 0 {
		c.Server.DrainWindow = drain
		if c.Dev {
			c.Server.DrainWindow = devDrain
		}
	}
	auth, err := checkConfig(c)
	return c, auth, err
}

func (s *serving) run(ctx context.Context) error {
	c, auth, err := s.settings()
	if err != nil {
		return err
	}
	public, err := listen(ctx, "--listen", c.Listen)
	if err != nil {
		return err
	}
	admin, err := listen(ctx, "--admin-listen", c.AdminListen)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	h, err := build(plan{ //nolint:contextcheck // opening a store is not cut short
		store: badger.Options{
			Dir: c.Data, AcceptCopy: s.acceptCopy, AcceptLoss: s.acceptLoss,
			Durability: c.Store.Durability, Scrub: c.Store.Scrub, MinFree: int64(c.Store.MinFree),
		},
		engine: statesync.Options{Limits: c.Engine, Retention: c.RetentionOf, Declared: c.Declared()},
		server: server.Options{
			Authenticator: auth, Limits: c.Server, AllowedOrigins: c.Origins, TrustedProxies: c.TrustedProxies,
			RefuseQueryTokens: !c.Auth.QueryTokens, Tenants: c.TenantLimits,
		},
		log: newLog(s.console.err, c.LogLevel),
	})
	if err != nil {
		return errors.Join(err, public.Close(), admin.Close())
	}
	s.announce(c, public, admin)
	if err := h.live(ctx, door{public, withScripts(h.server.Handler())}, door{admin, h.admin()}); err != nil {
		return err
	}
	fmt.Fprintln(s.console.out, "stopped")
	return nil
}

// announce says what is where, a line each.
func (s *serving) announce(c *config.Config, public, admin net.Listener) {
	note := ""
	if c.Dev {
		note = " (development: no tokens, everybody may do everything)"
	}
	risk := ""
	if c.Store.Durability == badger.Async {
		risk = " (async: what was acknowledged in the seconds before a power cut may be lost with it)"
	}
	out := s.console.out
	fmt.Fprintf(out, "clients:  %s%s\n", urlOf(public), note)
	fmt.Fprintf(out, "admin:    %s (/readyz, /metrics)\n", urlOf(admin))
	fmt.Fprintf(out, "data:     %s%s\n", c.Data, risk)
	if s.file != "" {
		fmt.Fprintf(out, "config:   %s\n", s.file)
	}
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
