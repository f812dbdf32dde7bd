package server_test

import (
	"regexp"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// seen is what the metrics of all houses of the suite have shown.
var seen = tally{sums: make(map[string]float64)}

type tally struct {
	mu   sync.Mutex
	sums map[string]float64 // by metric
}

var fqName = regexp.MustCompile(`fqName: "([^"]+)"`)

// add adds what a registry's metrics say.
func (s *tally) add(t *testing.T, r *prometheus.Registry) {
	t.Helper()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		r.Describe(descriptions)
		close(descriptions)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range descriptions {
		s.sums[fqName.FindStringSubmatch(d.String())[1]] += 0
	}
	for name, value := range gather(t, r) {
		s.sums[name] += value
	}
}

func (s *tally) zero() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, sum := range s.sums {
		if sum == 0 {
			names = append(names, name)
		}
	}
	return names
}

// gather sums each metric over its labels, and with "name{label}" each series.
func gather(t *testing.T, r prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			sums[f.GetName()] += value
			for _, l := range m.GetLabel() {
				sums[f.GetName()+"{"+l.GetValue()+"}"] += value
			}
		}
	}
	return sums
}

// metric is the sum of a metric, or of one of its series.
func (h *house) metric(name string) float64 {
	h.t.Helper()
	return gather(h.t, h.metrics)[name]
}

// TestMetricsOfSessions: sessions are counted by transport, while they last.
func TestMetricsOfSessions(t *testing.T) {
	h := open(t)
	h.talk("ann")
	h.dial("/v1/ws")
	s := h.listen("/v1/topics/a:1/events", "")
	s.expect("", map[string]string{"type": "subscribed"})
	h.sync(`{}`)
	for transport, want := range map[string]float64{"websocket": 2, "sse": 1, "poll": 1} {
		if got := h.metric("lockstep_sessions{" + transport + "}"); got != want {
			t.Errorf("%v sessions by %s, want %v", got, transport, want)
		}
	}
	seen.add(t, h.metrics)
	s.close()
	h.eventually(func() bool { return h.metric("lockstep_sessions{sse}") == 0 })
	if got := h.metric("lockstep_requests_total{/v1/sync}"); got != 1 {
		t.Errorf("%v requests", got)
	}
}

// TestMetricsOfEvents: an event counts once for everybody whom it is sent to, in
// whatever form and from wherever it is read; a snapshot's rows do not.
func TestMetricsOfEvents(t *testing.T) {
	h := open(t)
	h.put("a:1", "x", `0`)
	frames, plain := h.talk("ann"), h.dial("/v1/ws?user=ben")
	for _, p := range []*peer{frames, plain} {
		p.say(`{"type":"subscribe","topics":["a:1"]}`)
		p.expect(map[string]string{"type": "subscribed"})
	}
	frames.expect(map[string]string{"type": "snapshot", "version": "1"})
	h.do("POST", "/v1/topics/a:1/mutations", `{"changes":[{"entity_id":"y","payload":1},{"entity_id":"z","payload":1}]}`, "Idempotency-Key: k").want(200)
	epoch := show(frames.expect(map[string]string{"type": "events", "to": "3"})["epoch"])
	plain.expect(map[string]string{"version": "2"})
	plain.expect(map[string]string{"version": "3"})
	h.eventually(func() bool { return h.metric("lockstep_events_sent_total") == 4 })
	h.do("GET", "/v1/topics/a:1/events?after="+epoch+"-1", "").want(200)
	if got := h.metric("lockstep_events_sent_total"); got != 6 {
		t.Errorf("%v events were sent", got)
	}
}
