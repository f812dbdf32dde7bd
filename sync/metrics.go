package statesync

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// metrics counts what the engine does. Its labels have few values, all known in
// advance: no topic, user or tenant.
type metrics struct {
	mutations     *prometheus.CounterVec // by outcome
	rejects       *prometheus.CounterVec // by code
	errors        *prometheus.CounterVec // error frames by code
	events        prometheus.Counter     // committed
	commitSeconds prometheus.Histogram
	commitEvents  prometheus.Histogram

	resumes   *prometheus.CounterVec // by what came of a subscription's position
	resyncs   *prometheus.CounterVec // by reason
	conflated prometheus.Counter     // frames that left superseded events out

	eventsOut prometheus.Counter
	outBytes  prometheus.Counter
	delivery  prometheus.Histogram // from a commit to a cursor's read of it, sampled
	lag       prometheus.Histogram // events a cursor was behind when read, sampled

	bounds *prometheus.CounterVec // times a bound of Limits was hit, by its field
}

// deliverySample is how many reads of tails go by between two that are measured.
const deliverySample = 64

func newMetrics(e *Engine, to prometheus.Registerer) *metrics {
	auto := promauto.With(to)
	counter := func(name, help string) prometheus.Counter {
		return auto.NewCounter(prometheus.CounterOpts{Namespace: "lockstep", Name: name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return auto.NewCounterVec(prometheus.CounterOpts{Namespace: "lockstep", Name: name, Help: help}, []string{label})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return auto.NewHistogram(prometheus.HistogramOpts{Namespace: "lockstep", Name: name, Help: help, Buckets: buckets})
	}
	gauge := func(name, help string, read func() int) {
		auto.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "lockstep", Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	gauge("topics_in_memory", "Topics with sessions, or recently used.", func() int { return e.registry.size() })
	gauge("engine_sessions", "Sessions, those of single requests included.", func() int { return len(e.openSessions()) })
	return &metrics{
		mutations:     vector("mutations_total", "Mutations answered, by outcome.", "outcome"),
		rejects:       vector("rejects_total", "Mutations rejected, by code.", "code"),
		errors:        vector("errors_total", "Error frames, by code.", "code"),
		events:        counter("events_committed_total", "Events committed."),
		commitSeconds: histogram("commit_seconds", "Time of one durable commit.", prometheus.ExponentialBuckets(0.0001, 2, 16)),
		commitEvents:  histogram("commit_events", "Events of one commit.", prometheus.ExponentialBuckets(1, 2, 10)),
		resumes:       vector("resumes_total", "Subscriptions, by what their position gets first.", "plan"),
		resyncs:       vector("resyncs_total", "Clients told to load again, by reason.", "reason"),
		conflated:     counter("conflated_frames_total", "Frames that left superseded events out."),
		eventsOut:     counter("events_sent_total", "Events that sessions gave to their connections, the rows of snapshots left out."),
		outBytes:      counter("out_bytes_total", "Bytes that sessions gave to their connections."),
		delivery:      histogram("delivery_seconds", "From a durable commit to its being read for a client (sampled).", prometheus.ExponentialBuckets(0.0001, 2, 18)),
		lag:           histogram("lag_events", "Events a client was behind when it was served (sampled).", prometheus.ExponentialBuckets(1, 4, 10)),
		bounds:        vector("bounds_hit_total", "Times a bound was hit, by the field of Limits.", "bound"),
	}
}

func (m *metrics) answered(a frame.Answer) {
	m.mutations.WithLabelValues(a.Status.String()).Inc()
	if a.Reject == nil {
		return
	}
	m.rejects.WithLabelValues(string(a.Reject.Code)).Inc()
	if bound, ok := rejectBounds[a.Reject.Code]; ok {
		m.bound(bound)
	}
}

// rejectBounds are the bounds that a rejection tells of.
var rejectBounds = map[topics.Code]string{
	topics.CodeOverloaded: "inbox", topics.CodeTooManyInFlight: "in_flight", topics.CodeTooLarge: "size",
}

func (m *metrics) committed(events int, took time.Duration) {
	m.events.Add(float64(events))
	m.commitSeconds.Observe(took.Seconds())
	m.commitEvents.Observe(float64(events))
}

// said counts what one Next gave to a connection.
func (m *metrics) said(events, bytes int) {
	m.outBytes.Add(float64(bytes))
	if events > 0 {
		m.eventsOut.Add(float64(events))
	}
}

func (m *metrics) failed(e *topics.Error) {
	m.errors.WithLabelValues(string(e.Code)).Inc()
	if e.Code == topics.CodeTooManyTopics {
		m.bound("topics")
	}
}

func (m *metrics) bound(name string) { m.bounds.WithLabelValues(name).Inc() }
