package server

import (
	"context"
	"net/http"
	"time"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// recheck is how often an answer that is full looks whether its mutations have been
// handed in.
const recheck = 20 * time.Millisecond

// postSync takes a client's frames and answers with the session's: a poll of many
// topics, and the write side of event streams and polls. With Accept:
// text/event-stream the answer is a stream.
//
// A request without a session begins one; its first frame is welcome. Positions are
// where the client is: a cursor that stands elsewhere, because an answer was lost,
// goes back there. A request that would not wait leaves reading to the one that
// reads already; one that would, takes its place.
func (x *exchange) postSync() error {
	if err := x.query.only(); err != nil {
		return err
	}
	id, err := x.identify()
	if err != nil {
		return err
	}
	x.transport = transportPoll
	p, err := x.pollBody()
	if err != nil {
		return err
	}
	if x.server.requests.draining() {
		return errDraining()
	}
	k, err := x.keep(id, p.Session)
	if err != nil {
		return err
	}
	defer x.server.sessions.release(k)
	if x.wantsStream() {
		return x.syncStream(k, p)
	}
	return x.syncOnce(k, p)
}

// pollBody reads and checks the body.
func (x *exchange) pollBody() (frame.Poll, error) {
	if err := x.accepts(mediaJSON); err != nil {
		return frame.Poll{}, err
	}
	body, err := x.body()
	if err != nil {
		return frame.Poll{}, err
	}
	p, err := frame.DecodePoll(body, x.server.engine.Limits().Strict())
	if err != nil {
		return p, err
	}
	l := x.server.limits
	switch most := uint64(l.Wait / time.Second); {
	case p.Wait > most:
		x.server.metrics.bound("wait")
		return p, topics.Errorf(topics.CodeInvalid, "wait", "%d must be at most %d seconds", p.Wait, most)
	case len(p.Frames) > l.PollFrames:
		x.server.metrics.bound("poll_frames")
		return p, topics.Errorf(topics.CodeTooLarge, "frames", "are %d; at most %d go with one request", len(p.Frames), l.PollFrames)
	}
	return p, nil
}

// keep begins a session, or finds the one that is named.
func (x *exchange) keep(id statesync.Identity, name string) (*kept, error) {
	if name != "" {
		return x.server.sessions.resume(id, name)
	}
	transport := transportPoll
	if x.wantsStream() {
		transport = transportSSE
	}
	return x.server.sessions.begin(x, id, statesync.FormFrames, transport)
}

// syncing is one request of a kept session that reads.
type syncing struct {
	poll
	kept     *kept
	received chan error // what became of the request's frames, once
	handedIn bool
}

// syncOnce hands the frames in, and answers with what the session says.
func (x *exchange) syncOnce(k *kept, p frame.Poll) error {
	ctx := x.r.Context()
	stop, reads := k.takeFreeTurn()
	if !reads && p.Wait == 0 {
		if err := k.receive(ctx, x.trace, raws(p)); err != nil {
			return x.gone(err)
		}
		return x.answerSync(k, nil)
	}
	if !reads {
		var err error
		if stop, err = k.takeTurn(ctx); err != nil {
			return x.gone(err)
		}
	}
	defer k.giveTurn(stop)
	x.settle(k, p)
	y := syncing{poll: poll{exchange: x, session: k.session, woken: k.woken}, kept: k, received: make(chan error, 1)}
	y.handIn(ctx, p)
	err := y.gather(ctx, time.Duration(p.Wait)*time.Second, stop)
	if !y.handedIn {
		<-y.received //nolint:errcheck // it has nothing to say that gather's error does not
	}
	if err != nil {
		return x.gone(err)
	}
	return x.answerSync(k, y.out)
}

// settle puts cursors where the client says it is, and has a new session follow
// what its token names.
func (x *exchange) settle(k *kept, p frame.Poll) {
	k.session.Rewind(x.r.Context(), p.Positions)
	if p.Session != "" {
		return
	}
	followed := k.session.Positions()
	for _, name := range k.session.Identity().Topics {
		if _, ok := followed[name]; !ok {
			k.session.Subscribe(x.r.Context(), []frame.Want{{Topic: string(name)}})
		}
	}
}

// handIn gives the session the request's frames, beside the reading: what is handed
// in may have to wait until answers have been read.
func (y *syncing) handIn(ctx context.Context, p frame.Poll) {
	if len(p.Frames) == 0 {
		y.handedIn = true
		return
	}
	go func() { y.received <- y.kept.receive(ctx, y.exchange.trace, raws(p)) }()
}

// gather reads until the frames are handed in and answered, and there is something
// to say or the wait is over. Whoever asks for the turn, or the longest wait, ends it
// in any case.
func (y *syncing) gather(ctx context.Context, wait time.Duration, stop <-chan struct{}) error {
	end := time.NewTimer(whileValid(y.session, wait))
	last := time.NewTimer(whileValid(y.session, y.exchange.server.limits.Wait))
	defer end.Stop()
	defer last.Stop()
	leaving := y.exchange.server.requests.leaving
	over, hurried := wait == 0, false
	for {
		if err := y.drain(); err != nil { //nolint:contextcheck // the request's context is in the exchange
			return err
		}
		full := len(y.out) >= y.exchange.server.limits.PollBytes
		enough := full || y.session.Awaiting() == 0 && (over || len(y.out) > 0)
		if y.handedIn && (enough || hurried) {
			return nil
		}
		select {
		case err := <-y.received:
			y.handedIn = true
			if err != nil {
				return err
			}
		case <-y.woken:
		case <-y.retry(full):
			if err := y.once(); err != nil { //nolint:contextcheck // the request's context is in the exchange
				return err
			}
		case <-end.C:
			over = true
		case <-leaving:
			over, leaving = true, nil
		case <-stop:
			hurried, stop = true, nil
		case <-last.C:
			hurried = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// retry goes off soon where an answer is full before all frames are handed in: the
// one that waits may wait for answers to be read.
func (y *syncing) retry(full bool) <-chan time.Time {
	if !full {
		return nil
	}
	return time.After(recheck)
}

func (x *exchange) answerSync(k *kept, lines []byte) error {
	return x.send(http.StatusOK, mediaJSON, append(frame.AppendPoll(nil, k.session.ID(), lines), '\n'))
}

func raws(p frame.Poll) [][]byte {
	list := make([][]byte, len(p.Frames))
	for i, f := range p.Frames {
		list[i] = f
	}
	return list
}
