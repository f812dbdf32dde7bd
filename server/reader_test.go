package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// reader follows the document in every mode and holds its text.
type reader struct {
	t     *testing.T
	text  []rune
	order []int
	at    topics.Version
	goal  int
}

// fromTheStart is the position before the first event; there is no other of its
// version, whatever the epoch.
const fromTheStart = "aaaaaaaaaaaaa-0"

var errDone = errors.New("all steps are there")

func (r *reader) take(message []byte) error {
	soundLines(r.t, string(message))
	frames, err := client.ParseFrames(message)
	if err != nil {
		return err
	}
	for _, f := range frames {
		for _, e := range f.Events {
			s, err := parseStep(e)
			if err != nil {
				return err
			}
			if e.Version != r.at+1 {
				return fmt.Errorf("version %d follows %d", e.Version, r.at)
			}
			r.at = e.Version
			r.order = append(r.order, s.Txn)
			r.text = apply(r.text, s.Edits)
		}
	}
	if len(r.order) == r.goal {
		return errDone
	}
	return nil
}

// friend opens a conversation about the document in every mode.
func (h *house) friend(ctx context.Context, user string) *websocket.Conn {
	h.t.Helper()
	conn, _, err := websocket.Dial(ctx, h.url+"/v1/ws?user="+user, &websocket.DialOptions{Subprotocols: []string{"lockstep.v1"}, HTTPClient: h.client})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 22)
	if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"subscribe","topics":[{"topic":"doc:friends","mode":"every","version":0}]}`)); err != nil {
		h.t.Fatal(err)
	}
	return conn
}

func (*house) readFriend(ctx context.Context, conn *websocket.Conn, r *reader) error {
	for {
		_, message, err := conn.Read(ctx)
		if err == nil {
			err = r.take(message)
		}
		if err != nil {
			return err
		}
	}
}

func (h *house) get(ctx context.Context, path, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	res, err := (&http.Client{Transport: h.client.Transport}).Do(req)
	if err == nil && res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return res, err
}

func (h *house) streamFriend(ctx context.Context, r *reader) error {
	res, err := h.get(ctx, "/v1/topics/doc:friends/events?protocol=lockstep.v1&mode=every&user=streamer&after="+fromTheStart, "text/event-stream")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := r.take([]byte(data)); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

func (h *house) pollFriend(ctx context.Context, r *reader) error {
	at := "&after=" + fromTheStart
	for {
		res, err := h.get(ctx, "/v1/topics/doc:friends/events?mode=every&wait=5&user=poller"+at, "application/x-ndjson")
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err == nil {
			err = r.take(body)
		}
		if err != nil {
			return err
		}
		at = "&after=" + res.Header.Get("Lockstep-Position")
	}
}
