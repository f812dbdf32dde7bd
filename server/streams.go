package server

import (
	"context"
	"strings"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// getTopicStream answers with the topic's events as they come.
func (x *exchange) getTopicStream() error {
	if err := x.query.only("after", "mode", "snapshot", "protocol"); err != nil {
		return err
	}
	return x.streamTopics([]string{x.r.PathValue("topic")})
}

// getStream answers with the events of up to Limits.StreamTopics topics, on one
// connection: a browser has six of them for one host.
func (x *exchange) getStream() error {
	if err := x.query.only("topics", "after", "mode", "snapshot", "protocol"); err != nil {
		return err
	}
	list := strings.Split(x.query.text("topics"), ",")
	switch most := x.server.limits.StreamTopics; {
	case x.query.text("topics") == "":
		return topics.Errorf(topics.CodeInvalid, "topics", "is missing; name topics, separated by commas")
	case len(list) > most:
		x.server.metrics.bound("stream_topics")
		return topics.Errorf(topics.CodeTooManyTopics, "topics", "are %d; one stream has at most %d", len(list), most)
	}
	return x.streamTopics(list)
}

// streamTopics opens a session that follows the topics from where the client is,
// for as long as the request lasts.
func (x *exchange) streamTopics(list []string) error {
	x.queryToken = true
	x.transport = transportSSE
	id, err := x.identify()
	if err != nil {
		return err
	}
	e, wants, err := x.streamWants(id, list)
	if err != nil {
		return err
	}
	if x.server.requests.draining() {
		return errDraining()
	}
	k, err := x.server.sessions.begin(x, id, e.form, transportSSE)
	if err != nil {
		return err
	}
	defer x.server.sessions.end(k)
	stop, _ := k.takeFreeTurn()
	defer k.giveTurn(stop)
	k.session.Subscribe(x.r.Context(), wants)
	s := stream{exchange: x, kept: k, encoder: e, stop: stop}
	return s.run()
}

// streamWants reads which topics are wanted, from where and how. What can be
// refused is refused here, with a status.
func (x *exchange) streamWants(id statesync.Identity, list []string) (encoder, []frame.Want, error) {
	e := encoder{form: statesync.FormPlain}
	if x.query.choice("protocol", "plain", subprotocol) == subprotocol {
		e.form = statesync.FormFrames
	}
	every := x.query.choice("mode", "latest", "every") == "every"
	snapshot := x.query.choice("snapshot", "false", "true") == "true"
	if err := x.query.fault(); err != nil {
		return e, nil, err
	}
	at, err := x.streamPositions(len(list))
	if err != nil {
		return e, nil, err
	}
	wants := make([]frame.Want, len(list))
	seen := make(map[topics.Name]bool)
	for i, text := range list {
		name, err := topics.ParseName(text)
		if err != nil {
			return e, nil, err
		}
		if seen[name] {
			return e, nil, topics.Errorf(topics.CodeInvalid, "topics", "names %s twice", name)
		}
		if _, err := x.server.engine.Position(x.r.Context(), id, name); err != nil {
			return e, nil, x.gone(err)
		}
		seen[name] = true
		e.topics = append(e.topics, name)
		wants[i] = frame.Want{Topic: text, Position: at[i], Snapshot: snapshot}
		if every {
			wants[i].Mode = frame.ModeEvery
		}
	}
	return e, wants, nil
}

// streamPositions is where the client is: what it heard last, or else ?after=.
func (x *exchange) streamPositions(n int) ([]*topics.Position, error) {
	field, text := "Last-Event-ID", x.r.Header.Get("Last-Event-Id")
	if text == "" {
		field, text = "after", x.query.text("after")
	}
	if text == "" && !x.query.has("after") {
		return make([]*topics.Position, n), nil
	}
	return parseID(field, text, n)
}

// syncStream hands a poll's frames in and answers with a stream of the session's.
// The session outlives the stream for as long as between two polls.
func (x *exchange) syncStream(k *kept, p frame.Poll) error {
	ctx, cancel := context.WithCancel(x.r.Context())
	stop, err := k.takeTurn(ctx)
	if err != nil {
		cancel()
		return x.gone(err)
	}
	defer k.giveTurn(stop)
	x.settle(k, p)
	s := stream{exchange: x, kept: k, encoder: encoder{form: statesync.FormFrames}, stop: stop}
	handedIn := make(chan struct{})
	go func() {
		defer close(handedIn)
		if err := k.receive(ctx, x.trace, raws(p)); err != nil {
			k.session.Error(topics.AsError(err))
		}
	}()
	defer func() {
		cancel()
		<-handedIn
	}()
	return s.run()
}
