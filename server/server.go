package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// Options configure a Server. Engine and Authenticator are required.
type Options struct {
	Engine        *statesync.Engine
	Authenticator Authenticator
	Logger        *slog.Logger // default: discards
	// AllowedOrigins are the origins whose pages may call, such as
	// "https://app.example"; "*" stands for any part of one, "*" alone for all. A
	// page served by this host may always call, and so may what is no page.
	AllowedOrigins []string
	Limits         Limits
	// Tenants bound what one tenant may do; nil: nothing does.
	Tenants func(topics.Tenant) TenantLimits
	// TrustedProxies are those whose X-Forwarded-For says where a request comes from;
	// nil: none's does, and it comes from its peer.
	TrustedProxies []netip.Prefix
	// RefuseQueryTokens takes no token from a URL, where logs and histories see it.
	RefuseQueryTokens bool
	// Metrics is where the server's metrics are registered; nil: nowhere.
	Metrics prometheus.Registerer
}

// Server carries an engine's sessions, loads and mutations.
type Server struct {
	engine *statesync.Engine
	auth   Authenticator
	log    *slog.Logger
	limits Limits
	gate   gate

	proxies           proxies
	refuseQueryTokens bool

	// lifetime ends when Drain has ended everything.
	lifetime context.Context //nolint:containedctx // of the server itself
	end      context.CancelFunc

	public      http.Handler
	metrics     *metrics
	requests    requests
	admission   *admission
	rates       rates
	connections connections
	pulse       pulse
	flushers    flushers
	lobby       lobby
	sessions    sessions
}

// New makes a server. It starts nothing; the first connection does.
func New(o Options) *Server {
	s := &Server{engine: o.Engine, auth: o.Authenticator, log: o.Logger, limits: o.Limits.orDefault()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.log = slog.New(redactor{s.log.Handler()})
	_, dev := o.Authenticator.(DevAuth)
	s.gate = newGate(o.AllowedOrigins, dev)
	s.lifetime, s.end = context.WithCancel(context.Background())
	s.proxies, s.refuseQueryTokens = o.TrustedProxies, o.RefuseQueryTokens
	s.metrics = newMetrics(o.Metrics)
	s.admission = newAdmission(o, s.metrics)
	s.requests.init()
	s.rates.init(s.admission.tenants)
	s.connections.init(s)
	s.flushers.connections = &s.connections
	s.lobby.init(s)
	s.sessions.init(s)
	s.public = s.routes()
	return s
}

// Handler answers on the public listener.
func (s *Server) Handler() http.Handler { return s.public }

// AdminHandler answers on the admin listener, which is not for the public.
func (s *Server) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	return mux
}

// HTTPServer makes an http.Server with the bounds that a listener on the open
// internet needs. Bodies and answers have deadlines of their own, so that streams
// and long polls are not cut.
func (s *Server) HTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// routes are the paths of the public listener.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	route := func(path string, methods methods) {
		mux.Handle(path, s.endpoint(methods))
	}
	route("/v1/hello", methods{"GET": (*exchange).hello})
	route("/v1/ws", methods{"GET": (*exchange).websocket})
	route("/ws/{tenant}", methods{"GET": (*exchange).websocket})
	route("/v1/topics/{topic}", methods{"GET": (*exchange).getTopic, "DELETE": (*exchange).deleteTopic})
	route("/v1/topics/{topic}/events", methods{"GET": (*exchange).getEvents})
	route("/v1/events", methods{"GET": (*exchange).getStream})
	route("/v1/sync", methods{"POST": (*exchange).postSync})
	route("/v1/topics/{topic}/mutations", methods{"POST": (*exchange).postMutation})
	route("/v1/topics/{topic}/entities/{id}", methods{
		"GET": (*exchange).getEntity, "PUT": (*exchange).putEntity,
		"PATCH": (*exchange).patchEntity, "DELETE": (*exchange).deleteEntity,
	})
	route("/", nil)
	return mux
}
