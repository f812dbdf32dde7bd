package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// follower is a client on some transport that loses its line again and again, and
// holds what it hears in a replica.
type follower struct {
	house   *house
	name    string
	rand    *rand.Rand
	topic   string
	goal    topics.Version
	replica *client.Replica
	seen    map[topics.Version]int // how often each event was taken in
}

// TestFollowers_P5_P11: on every transport, with lines that drop at random and
// moves from one transport to another, all end equal: nothing missed, nothing twice.
func TestFollowers_P5_P11(t *testing.T) {
	const events, entities = 300, 30
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := open(t)
	ways := []string{"websocket", "sse", "longpoll", "mixed"}
	followers := make([]*follower, 0, 12)
	for i := range cap(followers) {
		way := ways[i%len(ways)]
		followers = append(followers, &follower{
			house: h, name: way + strconv.Itoa(i), rand: rand.New(rand.NewPCG(seed, uint64(i))), //nolint:gosec // repeatable
			topic: "a:1", goal: events, replica: client.NewReplica(), seen: make(map[topics.Version]int),
		})
	}
	var done sync.WaitGroup
	for i, f := range followers {
		done.Go(func() { f.follow(t, ways[i%len(ways)]) })
	}
	writer := rand.New(rand.NewPCG(seed, 99)) //nolint:gosec // repeatable
	for i := range events {
		h.put("a:1", "e"+strconv.Itoa(writer.IntN(entities)), strconv.Itoa(i))
	}
	done.Wait()
	want := h.do("GET", "/v1/topics/a:1", "").json()
	list, _ := want["entities"].([]any)
	rows := make(map[string]string)
	for _, e := range list {
		row, _ := e.(map[string]any)
		rows[show(row["entity_id"])] = show(row["version"]) + " " + show(row["payload"])
	}
	for _, f := range followers {
		f.equals(t, rows)
	}
}

func (f *follower) equals(t *testing.T, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	for id, row := range f.replica.Rows() {
		got[id] = strconv.FormatUint(uint64(row.Version), 10) + " " + string(row.Payload)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s ends with\n%v, want\n%v", f.name, got, want)
	}
	for version, times := range f.seen {
		if times > 1 {
			t.Errorf("%s took version %d in %d times", f.name, version, times)
		}
	}
}

// follow goes on until the replica shows the goal.
func (f *follower) follow(t *testing.T, way string) {
	for f.replica.Consistent < f.goal && !t.Failed() {
		err := f.stint(way)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			return
		}
	}
}

// stint follows for a while, most of the time in the follower's own way.
func (f *follower) stint(way string) error {
	ways := []string{"websocket", "sse", "sync", "longpoll"}
	if way == "mixed" || f.rand.IntN(4) == 0 {
		way = ways[f.rand.IntN(len(ways))]
	}
	switch way {
	case "websocket":
		return f.listen()
	case "sse":
		return f.stream(http.MethodGet, "/v1/topics/"+f.topic+"/events?protocol=lockstep.v1&user="+f.name, "", f.lastID())
	case "sync":
		at := "null"
		if id := f.lastID(); id != "" {
			at = `"` + id + `"`
		}
		return f.stream(http.MethodPost, "/v1/sync?user="+f.name, `{"positions":{"`+f.topic+`":`+at+`}}`, "")
	}
	return f.poll()
}

// lastID is where to resume from, as text; empty: nowhere.
func (f *follower) lastID() string {
	if at := f.position(); at.Version > 0 {
		return at.String()
	}
	return ""
}

// stream follows server-sent events for a random number of them, and drops the line.
func (f *follower) stream(method, path, body, lastID string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 6*patient)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, f.house.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := f.house.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<22)
	id := ""
	for n := 3 + f.rand.IntN(20); n > 0 && lines.Scan(); {
		field, data, _ := strings.Cut(lines.Text(), ": ")
		if field == "id" {
			id = data
		}
		if field != "data" {
			continue
		}
		n--
		if err := f.take([]byte(data)); err != nil || f.replica.Consistent >= f.goal {
			return err
		}
		if at := f.replica.Position; id != "" && at.Version > 0 && id != at.String() {
			return fmt.Errorf("the id is %s at %s", id, at)
		}
		id = ""
	}
	return lines.Err()
}

// listen follows over a WebSocket for a random number of messages, and drops it.
func (f *follower) listen() error {
	ctx, cancel := context.WithTimeout(context.Background(), 6*patient)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, f.house.url+"/v1/ws?user="+f.name, &websocket.DialOptions{Subprotocols: []string{"lockstep.v1"}, HTTPClient: f.house.client})
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 22)
	want := `{"topic":"` + f.topic + `"}`
	if at := f.position(); at.Version > 0 {
		want = fmt.Sprintf(`{"topic":%q,"epoch":%q,"version":%d}`, f.topic, at.Epoch, at.Version)
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"subscribe","topics":[`+want+`]}`)); err != nil {
		return err
	}
	for range 3 + f.rand.IntN(20) {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if err := f.take(message); err != nil || f.replica.Consistent >= f.goal {
			return err
		}
	}
	return nil
}

// poll takes one answer of a long poll, and sometimes gives up before it comes.
func (f *follower) poll() error {
	ctx, cancel := context.WithTimeout(context.Background(), 6*patient)
	defer cancel()
	path := "/v1/topics/" + f.topic + "/events?wait=1&user=" + f.name
	if at := f.position(); at.Version > 0 {
		path += "&after=" + at.String()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.house.url+path, nil)
	if err != nil {
		return err
	}
	impatient := f.rand.IntN(4) == 0
	if impatient {
		time.AfterFunc(time.Duration(f.rand.IntN(3000))*time.Microsecond, cancel)
	}
	res, err := f.house.client.Do(r)
	if err != nil {
		if impatient {
			return nil
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		if impatient {
			return nil
		}
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return f.take(body)
}

// position is where to resume from; without one the replica starts over.
func (f *follower) position() topics.Position {
	if f.replica.Position.Version == 0 {
		f.replica.Restart("")
	}
	return f.replica.Position
}

// take applies a message's frames.
func (f *follower) take(message []byte) error {
	soundLines(f.house.t, string(message))
	frames, err := client.ParseFrames([]byte(strings.TrimSpace(string(message))))
	if err != nil {
		return err
	}
	for _, frame := range frames {
		at := f.replica.Position.Version
		switch f.replica.Apply(frame) {
		case client.Gap:
			return fmt.Errorf("a gap at %v: %+v", f.replica.Position, frame)
		case client.Reset:
			return fmt.Errorf("a resync at %d: %+v", at, frame)
		default:
		}
		for _, e := range frame.Events {
			if e.Version > at {
				f.seen[e.Version]++
			}
		}
	}
	return nil
}
