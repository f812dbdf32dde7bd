package server

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/lockstep-sync/lockstep/topics"
)

// patience is how long a write may be stuck before a ping of the peer goes without
// its pong: the pong would queue behind the write and fail, and the line with it.
const patience = time.Second

// socket is a link over WebSocket. Contexts are never handed to the library: one
// that ends closes the connection. Deadlines are kept by whoever watches progress.
type socket struct {
	conn  *websocket.Conn
	wire  *wire
	pings bucket // of the peer's; owned by the receiver

	flooded func() // told once of a peer that pings too often
}

// maxPings is how many pings a second a peer may send. They are answered below all
// other bounds; past this one the line is cut.
const maxPings = 10

// pinged counts a ping of the peer.
func (s *socket) pinged() bool {
	if !s.pings.take(1, time.Now()) {
		s.flooded()
		s.cut()
		return false
	}
	return true
}

func (s *socket) receive() (*buffer, error) {
	kind, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return nil, errGone
	}
	if kind != websocket.MessageText {
		return nil, &ending{closeUnsupported, "binary messages are not spoken here; send text"}
	}
	b := takeBuffer()
	if err := b.readFrom(r); err != nil {
		b.giveBack()
		if errors.Is(err, websocket.ErrMessageTooBig) {
			e, _ := endingOf(&topics.Error{Code: topics.CodeTooLarge})
			return nil, &e
		}
		return nil, errGone
	}
	if !utf8.Valid(b.bytes) {
		b.giveBack()
		return nil, &ending{closeNotUTF8, "the message is not valid UTF-8"}
	}
	return b, nil
}

func (s *socket) send(message []byte) error {
	return s.wire.send(append(appendHead(nil, len(message)), message...))
}

func (s *socket) sendFrames(frames []byte) error { return s.wire.send(frames) }

func (s *socket) sendNow(frames []byte) (func() error, error) { return s.wire.sendNow(frames) }

func (s *socket) ping() error { return s.conn.Ping(context.Background()) }

func (s *socket) close(e ending) {
	_ = s.conn.Close(websocket.StatusCode(e.code), e.reason)
}

// cut closes the connection below the library, whose own CloseNow would wait for a
// goodbye that is under way.
func (s *socket) cut() { _ = s.wire.Close() }

// free tells the library of the end: a ping that waits for its pong learns it from
// there only.
func (s *socket) free() { _ = s.conn.CloseNow() }

func (s *socket) heard() time.Time { return s.wire.heard.at() }

func (s *socket) stuck() time.Duration {
	if !s.wire.writing.Load() {
		return 0
	}
	return time.Since(s.wire.moved.at())
}
