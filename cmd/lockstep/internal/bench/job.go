//go:build linux

package bench

import "time"

// Job is one measurement for a load process to make.
type Job struct {
	Kind       string        `json:"kind"`
	Contestant string        `json:"contestant"`
	Address    string        `json:"address"` // host:port of the server
	PID        int           `json:"pid"`     // of the server
	For        time.Duration `json:"for"`
	Warm       time.Duration `json:"warm"`

	Followers   int  `json:"followers,omitempty"`
	Writers     int  `json:"writers,omitempty"`
	Outstanding int  `json:"outstanding,omitempty"` // of each writer
	Topics      int  `json:"topics,omitempty"`
	PerTopic    int  `json:"per_topic,omitempty"` // followers of each topic
	Rate        int  `json:"rate,omitempty"`      // publications a second
	Missed      int  `json:"missed,omitempty"`
	Entities    int  `json:"entities,omitempty"`
	HTTP        bool `json:"http,omitempty"`

	From *position `json:"from,omitempty"` // the events to miss are there already
}

// Measure is one figure.
type Measure struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// Result is what a load process found.
type Result struct {
	Fault    string    `json:"fault,omitempty"` // why there is no figure
	Measures []Measure `json:"measures,omitempty"`
	Foreign  float64   `json:"foreign,omitempty"` // cores that other processes kept busy meanwhile
	From     *position `json:"from,omitempty"`    // where clients are that are to come back
}

// Names of figures.
const (
	deliveriesPerSecond = "deliveries"
	eventsPerSecond     = "events"
	cpuPerDelivery      = "cpu/delivery"
	cpuPerMutation      = "cpu/mutation"
	latency50           = "p50"
	latency99           = "p99"
	bytesPerSession     = "bytes/session"
	allBack             = "all back"
	ackedPerSecond      = "acked"
	joinsPerSecond      = "joins"
	loadShare           = "load cpu" // of the load's own core: near 100 % it is the bottleneck
)
