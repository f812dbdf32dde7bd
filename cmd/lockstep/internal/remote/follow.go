package remote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Bounds of following.
const (
	pollWait    = 20 * time.Second // asked of the server
	pollTimeout = pollWait + 15*time.Second
	maxLine     = 8 << 20 // of one frame
)

// Following says what to follow from where.
type Following struct {
	Topic topics.Name
	After topics.Position // the zero value: from the beginning, with a snapshot
	Every bool            // every event, and not only the last of each entity
	// Known says that the server has answered before, so that a failure of the very
	// first request is not taken for a wrong URL.
	Known bool
	// Lost is told when the line is lost, with the cause, and once more with nil
	// when it is back. It may be nil.
	Lost func(error)
}

// Follow passes everything after a position to each, frame by frame and in order,
// until ctx ends or each returns an error, which it returns. It reconnects by
// itself; only a very first request that fails makes it give up.
func (c *Client) Follow(ctx context.Context, f Following, each func(Frame) error) error {
	w := follower{client: c, f: f, at: f.After, each: each, answered: f.Known}
	backoff, lost := Default(), false
	for {
		err := w.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			backoff.Reset()
			if lost {
				lost = false
				w.lost(nil)
			}
			continue
		case !w.answered || !temporary(err):
			return err
		case !lost:
			lost = true
			w.lost(err)
		}
		if err := pause(ctx, backoff.Next(hint(err))); err != nil {
			return err
		}
	}
}

// follower is where a following stands.
type follower struct {
	client   *Client
	f        Following
	at       topics.Position
	each     func(Frame) error
	answered bool // the server has answered once
}

func (w *follower) lost(err error) {
	if w.f.Lost != nil {
		w.f.Lost(err)
	}
}

// poll asks once and passes on what comes.
func (w *follower) poll(ctx context.Context) error {
	query := url.Values{"wait": {strconv.Itoa(int(pollWait / time.Second))}}
	if w.at.Epoch != "" {
		query.Set("after", w.at.String())
	}
	if w.f.Every {
		query.Set("mode", "every")
	}
	a, err := w.client.do(ctx, call{
		method: http.MethodGet, path: []string{string(w.f.Topic), "events"}, query: query, timeout: pollTimeout,
		header: http.Header{"Accept": {"application/x-ndjson"}},
	})
	if err != nil {
		return err
	}
	defer a.close()
	w.answered = true
	lines := bufio.NewScanner(a.body)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		if err := w.take(ctx, lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return w.broken(ctx, err)
	}
	return nil
}

func (w *follower) broken(ctx context.Context, err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a frame of %s is longer than %d bytes", w.f.Topic, maxLine)
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return w.client.unreachable(ctx, err)
}

// take passes on one frame and moves with it. A line that is no frame is the end
// of a connection that was cut; what it began comes again.
func (w *follower) take(ctx context.Context, line []byte) error {
	var frame Frame
	if err := json.Unmarshal(line, &frame); err != nil {
		return w.broken(ctx, nil)
	}
	switch frame.Type {
	case "resync":
		w.at = topics.Position{}
	case "snapshot":
		w.at = topics.Position{Epoch: frame.Epoch, Version: frame.To}
	case "events":
		if frame.From > w.at.Version || frame.Epoch != w.at.Epoch && w.at.Version != 0 {
			return fmt.Errorf("the server went on after %d of %s, and not after %s", frame.From, frame.Epoch, w.at)
		}
		frame.after(w.at.Version)
		w.at = topics.Position{Epoch: frame.Epoch, Version: max(frame.To, w.at.Version)}
	case "error":
		return &Refusal{Said: &topics.Error{Code: frame.Code, Field: frame.Field, Message: frame.Message}, Retry: frame.Retry}
	case "subscribed", "mark", "bye":
		return nil
	}
	frame.At = w.at
	return w.each(frame)
}
