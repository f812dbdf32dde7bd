package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// TestEarthquakes_P5_P11: 60 followers of a week of earthquakes, 20 by each of
// WebSocket, event stream and long poll, lose their lines at random and change
// transports. All end with what the file says; nothing is missed, nothing comes twice.
func TestEarthquakes_P5_P11(t *testing.T) {
	if testing.Short() {
		t.Skip("a large file")
	}
	t.Parallel()
	const topic = "earthquakes:week"
	quakes := readQuakes(t)
	if underRace {
		quakes.Features = quakes.Features[:500]
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := open(t)
	followers := make([]*follower, 60)
	var done sync.WaitGroup
	for i := range followers {
		way := []string{"websocket", "sse", "longpoll"}[i%3]
		f := &follower{
			house: h, name: way + strconv.Itoa(i), rand: rand.New(rand.NewPCG(seed, uint64(i))), //nolint:gosec // repeatable
			topic: topic, goal: topics.Version(len(quakes.Features)), replica: client.NewReplica(), seen: make(map[topics.Version]int),
		}
		followers[i] = f
		done.Go(func() { f.follow(t, way) })
	}
	writer := rand.New(rand.NewPCG(seed, 99)) //nolint:gosec // repeatable
	for from, n := 0, 0; from < len(quakes.Features); from += n {
		n = min(1+writer.IntN(20), len(quakes.Features)-from)
		h.do("POST", "/v1/topics/"+topic+"/mutations", quakes.mutation(from, n), "Idempotency-Key: "+strconv.Itoa(from)).want(200)
	}
	done.Wait()
	want := make(map[string]string)
	for i, f := range quakes.Features {
		want[f.id(t)] = strconv.Itoa(i+1) + " " + string(f)
	}
	for _, f := range followers {
		f.equals(t, want)
	}
}

// quakes is the file.
type quakes struct{ Features []feature }

// feature is one earthquake, as compact JSON.
type feature json.RawMessage

// UnmarshalJSON keeps the text, without its white space.
func (f *feature) UnmarshalJSON(raw []byte) error {
	var b bytes.Buffer
	err := json.Compact(&b, raw)
	*f = b.Bytes()
	return err
}

func (f feature) id(t *testing.T) string {
	t.Helper()
	var fields struct{ ID string }
	if err := json.Unmarshal(f, &fields); err != nil || fields.ID == "" {
		t.Fatalf("a feature without an id: %v", err)
	}
	return fields.ID
}

func readQuakes(t *testing.T) *quakes {
	t.Helper()
	var q quakes
	if err := json.NewDecoder(testdata.Open(t, testdata.Earthquakes)).Decode(&q); err != nil {
		t.Fatal(err)
	}
	return &q
}

// mutation puts n earthquakes.
func (q *quakes) mutation(from, n int) string {
	b := []byte(`{"changes":[`)
	for i, f := range q.Features[from : from+n] {
		if i > 0 {
			b = append(b, ',')
		}
		var fields struct{ ID json.RawMessage }
		_ = json.Unmarshal(f, &fields)
		b = fmt.Appendf(b, `{"entity_id":%s,"payload":%s}`, fields.ID, f)
	}
	return string(append(b, `]}`...))
}
