package server

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

const helloPath = "/v1/hello"

// subprotocol is what a client offers to be spoken to in frames.
const subprotocol = "lockstep.v1"

// hello is what a page can learn about a handshake that would be refused: a
// browser tells it nothing but close code 1006. Every origin may read it.
type hello struct {
	OK         bool      `json:"ok"` // a handshake with this origin and token would pass
	Protocols  []string  `json:"protocols"`
	ServerTime string    `json:"server_time"`
	Origin     helloPart `json:"origin"`
	Token      helloPart `json:"token"`
}

type helloPart struct {
	OK      bool        `json:"ok"`
	Code    topics.Code `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
}

func part(err error) helloPart {
	if err == nil {
		return helloPart{OK: true}
	}
	e := topics.AsError(err)
	return helloPart{Code: e.Code, Message: detail(e)}
}

func (x *exchange) hello() error {
	if err := x.query.only(); err != nil {
		return err
	}
	x.queryToken = true // as a handshake in plain mode would take it
	_, refused := x.identify()
	answer := hello{
		Protocols:  []string{subprotocol},
		ServerTime: time.Now().UTC().Format(topics.TimeLayout),
		Origin:     part(x.server.gate.check(x.r, http.Header{})),
		Token:      part(refused),
	}
	answer.OK = answer.Origin.OK && answer.Token.OK
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "no-store")
	return x.send(http.StatusOK, "application/json", append(body, '\n'))
}
