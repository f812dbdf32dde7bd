package server

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics counts what the server does. Its labels have few values, all known in
// advance: no topic, user, tenant or path that a client chose.
type metrics struct {
	sessions *prometheus.GaugeVec          // by transport
	requests *prometheus.CounterVec        // by route, method and status
	seconds  prometheus.Histogram          // of requests that are no streams
	received map[string]prometheus.Counter // bytes, by transport
	sent     map[string]prometheus.Counter // bytes, by transport
	endings  *prometheus.CounterVec        // WebSockets that this side closed, by code
	bounds   *prometheus.CounterVec        // times a bound was hit
}

// The transports, as metrics name them.
const (
	transportWebSocket = "websocket"
	transportSSE       = "sse"
	transportPoll      = "poll"
	transportHTTP      = "http"
)

func newMetrics(to prometheus.Registerer) *metrics {
	auto := promauto.With(to)
	vector := func(name, help string, labels ...string) *prometheus.CounterVec {
		return auto.NewCounterVec(prometheus.CounterOpts{Namespace: "lockstep", Name: name, Help: help}, labels)
	}
	m := &metrics{
		sessions: auto.NewGaugeVec(prometheus.GaugeOpts{Namespace: "lockstep", Name: "sessions", Help: "Open sessions, by transport."}, []string{"transport"}),
		requests: vector("requests_total", "Requests answered, by route, method and status.", "route", "method", "status"),
		seconds: auto.NewHistogram(prometheus.HistogramOpts{
			Namespace: "lockstep", Name: "request_seconds", Help: "Time from a request to its answer, streams left out.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}),
		endings:  vector("closed_total", "Connections that this side closed, by close code.", "code"),
		bounds:   vector("limits_hit_total", "Times a bound was hit, by the field of Limits.", "limit"),
		received: make(map[string]prometheus.Counter), sent: make(map[string]prometheus.Counter),
	}
	in := vector("received_bytes_total", "Bytes of messages and bodies received, by transport.", "transport")
	out := vector("sent_bytes_total", "Bytes of messages and bodies sent, by transport.", "transport")
	for _, t := range []string{transportWebSocket, transportSSE, transportPoll, transportHTTP} {
		m.sent[t] = out.WithLabelValues(t)
		if t != transportSSE { // a stream goes one way
			m.received[t] = in.WithLabelValues(t)
		}
	}
	return m
}

func (m *metrics) bound(name string) { m.bounds.WithLabelValues(name).Inc() }
