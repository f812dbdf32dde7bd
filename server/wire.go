package server

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// readBytes is what a silent WebSocket keeps for reading; larger messages pass it
	// by. For writing it keeps controlBytes: the library writes nothing but control
	// frames, and each of them must go out in one write.
	readBytes    = 512
	controlBytes = 160
	// pieceBytes is what is written before progress is noted, and slowBytes the same
	// on a line that had to wait for its peer.
	pieceBytes = 32 << 10
	slowBytes  = 16 << 10
	// maxWaiting is what control frames may wait behind a message under way; past it
	// the line fails. Pings of the peer are few.
	maxWaiting = 4 << 10
	// waited is how long a piece takes at least when the line's buffers are full.
	waited = 50 * time.Millisecond
)

// wire is a network connection that knows when bytes last passed. Two write to it:
// the library its control frames, and we our messages; one never stands in the middle
// of the other, and nothing follows a close frame.
type wire struct {
	net.Conn
	raw     syscall.RawConn // for writing without waiting; nil: the connection has none
	heard   stamp           // the peer last gave a sign of life
	moved   stamp           // the write under way began, or last made progress
	writing atomic.Bool     // bytes are on their way out
	slow    bool            // a piece had to wait; owned by who has set busy

	mu      sync.Mutex
	free    sync.Cond // of busy
	busy    bool      // somebody writes; guarded by mu
	closed  bool      // a close frame has been written, or waits; guarded by mu
	waiting []byte    // control frames behind the message under way; guarded by mu
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn}
	if c, ok := conn.(syscall.Conn); ok {
		w.raw, _ = c.SyscallConn()
	}
	w.free.L = &w.mu
	w.heard.now()
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.now()
	}
	return n, err
}

// Write takes one control frame of the library's. It does not wait for a message that
// is under way on a slow line: the frame goes out behind it.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	if w.closed || len(w.waiting)+len(p) > maxWaiting {
		w.mu.Unlock()
		return 0, net.ErrClosed
	}
	w.closed = len(p) > 0 && p[0]&opcodeBits == opcodeClose
	if w.busy {
		w.waiting = append(w.waiting, p...)
		w.mu.Unlock()
		return len(p), nil
	}
	w.busy = true
	w.mu.Unlock()
	err := w.release(w.push(p))
	return len(p), err
}

// send writes whole frames, and waits as long as it takes.
func (w *wire) send(frames []byte) error {
	w.mu.Lock()
	for w.busy {
		w.free.Wait()
	}
	if w.closed {
		w.mu.Unlock()
		return net.ErrClosed
	}
	w.busy = true
	w.mu.Unlock()
	return w.release(w.push(frames))
}

// sendNow writes as much of whole frames as the line takes without waiting. rest
// writes what is left.
func (w *wire) sendNow(frames []byte) (rest func() error, err error) {
	w.mu.Lock()
	switch {
	case w.closed:
		w.mu.Unlock()
		return nil, net.ErrClosed
	case w.busy || w.raw == nil:
		w.mu.Unlock()
		frames = bytes.Clone(frames)
		return func() error { return w.send(frames) }, nil
	}
	w.busy = true
	w.mu.Unlock()
	w.moved.now()
	n, err := writeOnce(w.raw, frames)
	if err == nil && n < len(frames) {
		left := bytes.Clone(frames[n:])
		return func() error { return w.release(w.push(left)) }, nil
	}
	return nil, w.release(err)
}

// release writes what has waited meanwhile, and lets others write.
func (w *wire) release(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for err == nil && len(w.waiting) > 0 {
		behind := w.waiting
		w.waiting = nil
		w.mu.Unlock()
		err = w.push(behind)
		w.mu.Lock()
	}
	w.closed = w.closed || err != nil // the line is broken, perhaps within a frame
	w.busy = false
	w.free.Signal()
	return err
}

// push writes in pieces, so that a slow line is told from a dead one: a piece that
// had to wait and then went out shows that the peer takes bytes. The caller has set
// busy.
func (w *wire) push(p []byte) error {
	began := time.Now()
	w.moved.set(began)
	w.writing.Store(true)
	defer w.writing.Store(false)
	for len(p) > 0 {
		piece := p
		switch {
		case w.slow:
			piece = p[:min(len(p), slowBytes)]
		case len(p) > pieceBytes:
			piece = p[:pieceBytes]
		}
		n, err := w.Conn.Write(piece)
		if err != nil {
			return err
		}
		p = p[n:]
		now := time.Now()
		if w.slow = now.Sub(began) > waited; w.slow {
			w.heard.set(now)
		}
		w.moved.set(now)
		began = now
	}
	return nil
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
	w := newWire(conn)
	h.line.wire = w
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReaderSize(&prefixed{early: append([]byte(nil), early...), rest: w}, max(readBytes, len(early)))
	if _, err := r.Peek(len(early)); err != nil {
		return nil, nil, err
	}
	return w, bufio.NewReadWriter(r, bufio.NewWriterSize(w, controlBytes)), nil
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
