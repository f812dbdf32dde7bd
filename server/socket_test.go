package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// peer is a WebSocket client that nobody here wrote, driven by hand.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
	// lines came in a message but have not been asked for yet.
	lines []string
}

// dial opens a WebSocket; subprotocols are what the client offers.
func (h *house) dial(path string, subprotocols ...string) *peer {
	h.t.Helper()
	return h.dialWith(nil, path, subprotocols...)
}

// dialWith is dial with headers.
func (h *house) dialWith(header http.Header, path string, subprotocols ...string) *peer {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, h.url+path, &websocket.DialOptions{HTTPClient: h.client, HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		h.t.Fatalf("dialing %s: %v", path, err)
	}
	conn.SetReadLimit(1 << 24)
	h.t.Cleanup(func() { _ = conn.CloseNow() })
	return &peer{t: h.t, conn: conn}
}

// talk opens a lockstep.v1 conversation as user and takes the welcome.
func (h *house) talk(user string) *peer {
	h.t.Helper()
	p := h.dial("/v1/ws?user="+user, "lockstep.v1")
	holds(h.t, p.next(), map[string]string{"type": "welcome", "user_id": user})
	return p
}

func (p *peer) say(frames ...string) {
	p.t.Helper()
	p.send(websocket.MessageText, []byte(strings.Join(frames, "\n")))
}

func (p *peer) send(kind websocket.MessageType, message []byte) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := p.conn.Write(ctx, kind, message); err != nil {
		p.t.Fatalf("writing: %v", err)
	}
}

// line waits for the next line.
func (p *peer) line() string {
	p.t.Helper()
	for len(p.lines) == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		_, message, err := p.conn.Read(ctx)
		cancel()
		if err != nil {
			p.t.Fatalf("reading: %v", err)
		}
		p.lines = strings.Split(string(message), "\n")
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	sound(p.t, line)
	return line
}

// next waits for the next frame.
func (p *peer) next() map[string]any {
	p.t.Helper()
	return decode(p.t, []byte(p.line()))
}

// expect waits for the next frame and compares it.
func (p *peer) expect(want map[string]string) map[string]any {
	p.t.Helper()
	got := p.next()
	holds(p.t, got, want)
	return got
}

// closed waits for the end and compares its code.
func (p *peer) closed(code websocket.StatusCode) string {
	p.t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		_, message, err := p.conn.Read(ctx)
		cancel()
		if err == nil {
			soundLines(p.t, string(message))
			p.lines = append(p.lines, strings.Split(string(message), "\n")...)
			continue
		}
		if got := websocket.CloseStatus(err); got != code {
			p.t.Fatalf("closed with %d, want %d: %v", got, code, err)
		}
		return strings.Join(p.lines, "\n")
	}
}
