package server

import (
	"context"
	"strings"

	"github.com/coder/websocket"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// websocket upgrades a request. What is wrong with it is answered before the
// upgrade, as a problem; GET /v1/hello says the same to a page.
func (x *exchange) websocket() error {
	if err := x.query.only("envelope"); err != nil {
		return err
	}
	form, err := x.form()
	if err != nil {
		return err
	}
	x.queryToken = form != statesync.FormFrames
	id, err := x.identify()
	late := err != nil && x.mayAuthenticateLater()
	if err != nil && !late {
		return err
	}
	if !strings.EqualFold(x.r.Header.Get("Upgrade"), "websocket") {
		x.w.Header().Set("Upgrade", "websocket")
		return topics.Errorf(topics.CodeInvalid, "Upgrade", "is missing; open this URL with a WebSocket client")
	}
	place, err := x.server.admission.enter(transportWebSocket, x.address)
	if err != nil {
		return err
	}
	if late {
		return x.websocketLate(form, place)
	}
	if err := x.websocketNow(id, form, place); err != nil {
		place.giveBack()
		return err
	}
	return nil
}

// websocketNow upgrades a request that came with a token.
func (x *exchange) websocketNow(id statesync.Identity, form statesync.Form, place *ticket) error {
	if err := place.sign(id); err != nil {
		return err
	}
	c := &connection{server: x.server, form: form, trace: x.trace, ticket: place, done: make(chan struct{}, 1), pace: x.server.newPace()}
	var err error
	if c.session, err = x.server.open(x.r.Context(), statesync.SessionOptions{Identity: id, Form: form, Trace: x.trace, Wake: c.wake}); err != nil {
		return err
	}
	if !x.server.connections.add(c) {
		c.session.Close()
		return errDraining()
	}
	line := accept(x)
	if line == nil { // the library has answered
		c.session.Close()
		x.server.connections.remove(c)
		place.giveBack()
		return nil
	}
	c.start(line)
	return nil
}

// websocketLate upgrades a request without a token, which an auth frame will bring.
func (x *exchange) websocketLate(form statesync.Form, place *ticket) error {
	if x.server.requests.draining() {
		place.giveBack()
		return errDraining()
	}
	line := accept(x)
	if line == nil {
		place.giveBack()
		return nil
	}
	g := &guest{lobby: &x.server.lobby, form: form, trace: x.trace, claim: x.claim(), link: line, ticket: place, over: make(chan struct{})}
	if !x.server.lobby.enter(g) { // draining began during the handshake
		line.close(ending{closeRestart, "restart"})
		line.cut()
		place.giveBack()
	}
	return nil
}

// accept makes the handshake; nil when it failed. The handler returns after it: the goroutine that
// reads is a fresh one with a small stack.
func accept(x *exchange) *socket {
	metrics := x.server.metrics
	line := &socket{pings: newBucket(maxPings, 2*maxPings), flooded: func() { metrics.bound("pings") }}
	conn, err := websocket.Accept(&hijacker{ResponseWriter: x.w, line: line}, x.r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // the gate has checked the origin
		OnPingReceived:     func(context.Context, []byte) bool { return line.pinged() && line.stuck() < patience },
	})
	if err != nil {
		return nil
	}
	conn.SetReadLimit(int64(x.server.engine.Limits().MessageBytes))
	line.conn = conn
	return line
}

// form is how the session will look: frames where the client offers our
// subprotocol, envelopes where it offers none.
func (x *exchange) form() (statesync.Form, error) {
	offered := tags(x.r.Header.Values("Sec-Websocket-Protocol"))
	for _, p := range offered {
		if strings.EqualFold(p, subprotocol) {
			if x.query.has("envelope") {
				return 0, topics.Errorf(topics.CodeInvalid, "envelope", "is for clients without a subprotocol; %s has frames", subprotocol)
			}
			return statesync.FormFrames, nil
		}
	}
	if len(offered) > 0 {
		return 0, topics.Errorf(topics.CodeInvalid, "Sec-WebSocket-Protocol", "%q is not spoken here; offer %s, or none for plain mode", clip(strings.Join(offered, ", ")), subprotocol)
	}
	words := []string{"plain", "flat"}
	if x.r.PathValue("tenant") != "" {
		words = []string{"flat", "plain"}
	}
	if x.query.choice("envelope", words...) == "flat" {
		return statesync.FormFlat, x.query.fault()
	}
	return statesync.FormPlain, x.query.fault()
}
