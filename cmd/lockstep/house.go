package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// Bounds of an orderly end.
const (
	goodbye       = 2 * time.Second  // for a client to answer it, after the drain window; then it is cut
	closeDeadline = 15 * time.Second // for the rest; what is not answered by then is not
)

// house is all floors, one above the other: a store, the engine over it, and the
// server over that.
type house struct {
	engine  *statesync.Engine
	server  *server.Server
	metrics *prometheus.Registry
	gone    chan error // of capacity 1: the store failed for good
	log     *slog.Logger
	// patience is how long clients have to hear goodbye.
	patience time.Duration
}

// plan says how to build a house.
type plan struct {
	store  badger.Options
	engine statesync.Options // but for its store, log and metrics
	server server.Options    // but for its engine, log and metrics
	log    *slog.Logger
}

// build opens the store and puts the rest on it.
func build(p plan) (*house, error) {
	boundMemory()
	p.store.Logger = p.log
	first, err := badger.Open(p.store)
	if err != nil {
		return nil, storeError(p.store.Dir, err)
	}
	h := &house{metrics: prometheus.NewRegistry(), gone: make(chan error, 1), log: p.log, patience: p.server.Limits.DrainWindow + goodbye}
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	e := p.engine
	e.Store, e.Logger, e.Metrics = first, p.log, h.metrics
	e.Reopen = func(context.Context) (store.Store, error) { return badger.Open(p.store) } //nolint:contextcheck // not cut short
	e.StoreGone = func(err error) { h.gone <- err }
	h.engine = statesync.New(e)
	s := p.server
	s.Engine, s.Logger, s.Metrics = h.engine, p.log, h.metrics
	h.server = server.New(s)
	return h, nil
}

// advice is what a person can do about a directory that does not open.
var advice = []struct {
	err  error
	text string
}{
	{badger.ErrInUse, "another process has it open; stop that one, or name another directory with --data"},
	{badger.ErrCopy, "it is a copy of another directory; serve --accept-copy takes it, and makes every client load again"},
	{badger.ErrLoss, "acknowledged data is missing; restore it, or take what is left with serve --accept-loss, which makes every client load again"},
	{badger.ErrNewer, "a newer lockstep has written it; upgrade this one"},
}

// storeError says which directory cannot be opened, and what to do.
func storeError(dir string, err error) error {
	for _, a := range advice {
		if errors.Is(err, a.err) {
			detail := strings.TrimPrefix(err.Error(), a.err.Error())
			return fmt.Errorf("opening %s: %s%s", dir, a.text, detail)
		}
	}
	return fmt.Errorf("opening %s: %w", dir, err)
}

// admin answers where only the operator listens: health, metrics and profiles.
func (h *house) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h.server.AdminHandler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// door is a listener with what answers there.
type door struct {
	listener net.Listener
	handler  http.Handler
}

// live answers at the doors until ctx ends or something fails, and then closes the
// house from the top: sessions are told goodbye, what was taken is answered, and
// the store is made durable.
func (h *house) live(ctx context.Context, doors ...door) error {
	servers := make([]*http.Server, len(doors))
	failed := make(chan error, len(doors))
	for i, d := range doors {
		servers[i] = h.server.HTTPServer(d.handler)
		go func() { failed <- servers[i].Serve(d.listener) }()
	}
	var cause error
	ended := 0
	select {
	case <-ctx.Done():
	case cause = <-h.gone:
	case cause = <-failed:
		ended++
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.patience+closeDeadline)
	defer cancel()
	errs := []error{cause, h.drain(closing)}
	for _, s := range servers {
		errs = append(errs, s.Shutdown(closing))
	}
	for ; ended < len(doors); ended++ {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, h.close(closing))...)
}

// drain says goodbye to all clients. One that does not answer is no failure of ours.
func (h *house) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	err := h.server.Drain(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		h.log.Info("some clients did not answer the goodbye and were cut off")
		return nil
	}
	return err
}

// close closes the engine and then the store.
func (h *house) close(ctx context.Context) error {
	return errors.Join(h.engine.Close(ctx), h.engine.Store().Close())
}
