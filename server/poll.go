package server

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
)

const mediaNDJSON = "application/x-ndjson"

// poll is one reading of a topic from a position. The first line of its answer is
// the subscribed frame; a poll that waits, waits for a second one.
type poll struct {
	exchange *exchange
	session  *statesync.Session
	woken    chan struct{} // holds one token when the session has something to say
	out      []byte
}

// getEvents answers with the frames after a position: at once, or when there are
// some, or when the wait is over.
func (x *exchange) getEvents() error {
	if x.wantsStream() {
		return x.getTopicStream()
	}
	x.transport = transportPoll
	if err := x.query.only("after", "wait", "mode"); err != nil {
		return err
	}
	id, name, err := x.topic()
	if err != nil {
		return err
	}
	want := frame.Want{Topic: string(name), Position: x.query.position("after")}
	if x.query.choice("mode", "latest", "every") == "every" {
		want.Mode = frame.ModeEvery
	}
	wait := x.wait()
	if err := x.query.fault(); err != nil {
		return err
	}
	if wait > 0 && x.server.requests.draining() {
		return errDraining() // or it would be asked again at once
	}
	// What can be refused is refused with a status, before a session says it in a frame.
	if _, err := x.server.engine.Position(x.r.Context(), id, name); err != nil {
		return x.gone(err)
	}
	p := poll{exchange: x, woken: make(chan struct{}, 1)}
	p.session, err = x.server.engine.Open(x.r.Context(), statesync.SessionOptions{Identity: id, Form: statesync.FormFrames, Trace: x.trace, Wake: p.wake})
	if err != nil {
		return err
	}
	defer p.session.Close()
	p.session.Subscribe(x.r.Context(), []frame.Want{want})
	if err := p.read(wait); err != nil {
		return x.gone(err)
	}
	if at, ok := p.session.Positions()[name]; ok {
		x.w.Header().Set("Lockstep-Position", at.String())
	}
	return p.answer()
}

// wait is how long the request is ready to wait: ?wait= in seconds, or else the
// preference, which is a wish and so is cut to what is possible.
func (x *exchange) wait() time.Duration {
	most := int(x.server.limits.Wait / time.Second)
	if x.query.has("wait") {
		return time.Duration(x.query.whole("wait", 0, most, 0)) * time.Second
	}
	for line := range strings.SplitSeq(strings.Join(x.r.Header.Values("Prefer"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		n, err := strconv.Atoi(strings.Trim(value, `"`))
		if strings.EqualFold(name, "wait") && err == nil && n >= 0 {
			if n > most {
				x.server.metrics.bound("wait")
				n = most
			}
			x.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(n))
			return time.Duration(n) * time.Second
		}
	}
	return 0
}

// whileValid cuts a wait to where the session's token ends (P8).
func whileValid(s *statesync.Session, wait time.Duration) time.Duration {
	if expires := s.Identity().Expires; !expires.IsZero() {
		return min(wait, time.Until(expires))
	}
	return wait
}

func (p *poll) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// read gathers lines until there is news and no more of it, the answer is large
// enough, or the wait is over.
func (p *poll) read(wait time.Duration) error {
	ctx := p.exchange.r.Context()
	end := time.NewTimer(whileValid(p.session, wait))
	defer end.Stop()
	for {
		if err := p.drain(); err != nil {
			return err
		}
		if wait == 0 || p.news() {
			return nil
		}
		select {
		case <-p.woken:
		case <-end.C:
			return nil
		case <-p.exchange.server.requests.leaving:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drain takes what the session has to say now.
func (p *poll) drain() error {
	for len(p.out) < p.exchange.server.limits.PollBytes {
		before := len(p.out)
		if err := p.once(); err != nil {
			return err
		}
		if len(p.out) == before {
			return nil
		}
	}
	p.exchange.server.metrics.bound("poll_bytes")
	return nil
}

// once takes one turn of what the session has to say.
func (p *poll) once() (err error) {
	p.out, err = p.session.Next(p.exchange.r.Context(), p.out)
	return err
}

// news reports whether more than the subscribed frame is there.
func (p *poll) news() bool {
	return bytes.Count(p.out, []byte{'\n'}) > 1
}

// answer writes the lines as they are, or as one array.
func (p *poll) answer() error {
	x := p.exchange
	x.w.Header().Add("Vary", "Accept")
	if !prefersJSON(x.r.Header.Get("Accept")) {
		return x.send(http.StatusOK, mediaNDJSON, p.out)
	}
	lines := bytes.TrimSuffix(p.out, []byte{'\n'})
	array := make([]byte, 0, len(lines)+3)
	array = append(array, '[')
	array = append(array, bytes.ReplaceAll(lines, []byte{'\n'}, []byte{','})...)
	return x.send(http.StatusOK, mediaJSON, append(array, "]\n"...))
}

// prefersJSON reports whether an Accept header names application/json and does not
// name lines.
func prefersJSON(accept string) bool {
	return strings.Contains(accept, mediaJSON) && !strings.Contains(accept, mediaNDJSON)
}
