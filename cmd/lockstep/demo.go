package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/quakes"
	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/replay"
	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

const demoText = `Run a server and a page to look at, in one process, with a store that is thrown away at the end.

The page shows two clients side by side: a week of earthquakes, replayed in time order, and
a gift list that both edit. The earthquakes are those of a GeoJSON file of the USGS
(--quakes, or ../shared/data/earthquakes.geojson where it is there), or else a week
generated with realistic statistics.`

// defaultSpeed plays a week in less than three minutes.
const defaultSpeed = 3600

// demoing is the demo command.
type demoing struct {
	console *console
	listen  string
	file    string
	speed   float64
}

func newDemo(c *console) *cobra.Command {
	d := demoing{console: c}
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a server with a page to look at", Long: demoText, Args: args(0, 0, "nothing"),
		RunE: does(func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) }),
	}
	f := cmd.Flags()
	f.StringVar(&d.listen, "listen", defaultListen, "where to serve the page; another port if that one is in use")
	f.StringVar(&d.file, "quakes", "", "a GeoJSON file of earthquakes, as the USGS publishes them")
	f.Float64Var(&d.speed, "speed", defaultSpeed, "seconds of history per second")
	return cmd
}

func (d *demoing) run(ctx context.Context) error {
	if !(d.speed >= 0 && d.speed <= replay.MaxSpeed) {
		return usagef("--speed %g must be from 0 (stand still) to %d", d.speed, replay.MaxSpeed)
	}
	if err := checkLoopback("--listen", d.listen); err != nil {
		return err
	}
	feed, err := d.feed()
	if err != nil {
		return err
	}
	listener, moved, err := listenOrNear(ctx, "--listen", d.listen)
	if err != nil {
		return err
	}
	if moved {
		fmt.Fprintf(d.console.out, "%s is in use, so the demo is elsewhere\n", d.listen)
	}
	dir, err := os.MkdirTemp("", "lockstep-demo-")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	err = d.live(ctx, listener, dir, feed)
	return errors.Join(err, os.RemoveAll(dir))
}

// live runs the house with its page and its player until ctx ends.
func (d *demoing) live(ctx context.Context, listener net.Listener, dir string, feed *quakeFeed) error {
	h, err := build(plan{ //nolint:contextcheck // opening a store is not cut short
		store:  badger.Options{Dir: dir, Durability: badger.Async, MinFree: -1},
		server: server.Options{Authenticator: server.DevAuth{}, Limits: devLimits},
		log:    newLog(d.console.err, slog.LevelWarn),
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := seedGifts(ctx, h.engine); err != nil {
		return errors.Join(err, listener.Close(), h.close(ctx))
	}
	player := replay.New(replay.Options{Engine: h.engine, Identity: demoIdentity, Topic: quakesTopic, Entries: feed.entries, Speed: d.speed})
	playing, stop := context.WithCancelCause(ctx)
	played := make(chan error, 1)
	go func() {
		err := player.Run(playing)
		stop(err) // the demo ends with its player
		played <- err
	}()
	page := &demoPage{player: player, feed: feed, host: h.server.Handler()}
	fmt.Fprintf(d.console.out, "%s\n\n  %s/ \n\nCtrl-C ends it; nothing is kept.\n", feed.describe(), urlOf(listener))
	err = h.live(playing, door{listener, page.handler()})
	stop(nil)
	return errors.Join(<-played, err)
}

// demoIdentity is in whose name the demo itself writes.
var demoIdentity = statesync.Identity{Tenant: topics.DefaultTenant, User: "demo", Grants: statesync.AllowAll{}}

// quakeFeed is what is replayed, and where it comes from.
type quakeFeed struct {
	source  string // file or generated
	name    string
	count   int // earthquakes
	entries []replay.Entry
}

func (f *quakeFeed) describe() string {
	if f.source == "generated" {
		return fmt.Sprintf("No file of earthquakes is at hand, so %d are generated, with realistic statistics (--quakes FILE takes real ones).", f.count)
	}
	return fmt.Sprintf("%d earthquakes of %s are replayed.", f.count, f.name)
}

// feed finds the earthquakes: the file that was named, one that lies where tests
// look for it, or a generated week.
func (d *demoing) feed() (*quakeFeed, error) {
	if d.file != "" {
		return readFeed(d.file)
	}
	folders := []string{filepath.Join("..", "shared", "data")}
	if named := d.console.env("LOCKSTEP_TESTDATA"); named != "" {
		folders = append([]string{named}, folders...)
	}
	for _, folder := range folders {
		path := filepath.Join(folder, "earthquakes.geojson")
		if _, err := os.Stat(path); err == nil {
			return readFeed(path)
		}
	}
	features, err := quakes.Week(1)
	if err != nil {
		return nil, err
	}
	return newFeed("generated", "a generated week", features)
}

func readFeed(path string) (*quakeFeed, error) {
	file, err := os.Open(path) //nolint:gosec // the user's own file
	if err != nil {
		return nil, usage(err)
	}
	defer file.Close() //nolint:errcheck // it is only read from
	features, err := quakes.ReadFile(file)
	if err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	return newFeed("file", filepath.Base(path), features)
}

func newFeed(source, name string, features []quakes.Feature) (*quakeFeed, error) {
	entries, err := quakes.History(features)
	return &quakeFeed{source: source, name: name, count: len(features), entries: entries}, err
}
