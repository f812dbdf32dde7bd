package server

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// bufferBytes is what a silent WebSocket keeps for reading and for writing. A
	// control frame fits; larger messages pass the buffer by.
	bufferBytes = 512
	// pieceBytes is what is written before progress is noted.
	pieceBytes = 16 << 10
	// waited is how long a piece takes at least when the line's buffers are full.
	waited = 50 * time.Millisecond
)

// wire is a network connection that knows when bytes last passed.
type wire struct {
	net.Conn
	heard   stamp       // the peer last gave a sign of life
	moved   stamp       // the write under way began, or last made progress
	writing atomic.Bool // a Write is under way
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.now()
	}
	return n, err
}

// Write is the only way out for the library's frames. It writes in pieces, so that
// a slow line is told from a dead one: a piece that had to wait and then went out
// shows that the peer takes bytes.
func (w *wire) Write(p []byte) (int, error) {
	began := time.Now()
	w.moved.set(began)
	w.writing.Store(true)
	defer w.writing.Store(false)
	written := 0
	for written < len(p) {
		n, err := w.Conn.Write(p[written:min(written+pieceBytes, len(p))])
		written += n
		if err != nil {
			return written, err
		}
		now := time.Now()
		if now.Sub(began) > waited {
			w.heard.set(now)
		}
		w.moved.set(now)
		began = now
	}
	return written, nil
}

// stamp is a moment that any goroutine may read and write.
type stamp struct{ nanos atomic.Int64 }

func (s *stamp) now()            { s.set(time.Now()) }
func (s *stamp) set(t time.Time) { s.nanos.Store(t.UnixNano()) }
func (s *stamp) at() time.Time   { return time.Unix(0, s.nanos.Load()) }

// hijacker gives the WebSocket library a wire with small buffers in place of the
// connection with large ones that net/http would give.
type hijacker struct {
	http.ResponseWriter
	line *socket
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w := &wire{Conn: conn}
	w.heard.now()
	h.line.wire = w
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReaderSize(&prefixed{early: append([]byte(nil), early...), rest: w}, max(bufferBytes, len(early)))
	if _, err := r.Peek(len(early)); err != nil {
		return nil, nil, err
	}
	return w, bufio.NewReadWriter(r, bufio.NewWriterSize(w, bufferBytes)), nil
}

// prefixed reads what came too early, and then the rest.
type prefixed struct {
	early []byte
	rest  net.Conn
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.early) == 0 {
		return p.rest.Read(b)
	}
	n := copy(b, p.early)
	p.early = p.early[n:]
	return n, nil
}
