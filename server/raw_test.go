package server_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// raw is a WebSocket peer below all manners: it answers no ping and reads only when
// told to.
type raw struct {
	conn net.Conn
	r    *bufio.Reader
}

func dialRaw(t *testing.T, h *house, path string) *raw {
	t.Helper()
	u, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	conn, err := d.DialContext(context.Background(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4096)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patient))
	_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+u.Host+
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", res.StatusCode)
	}
	return &raw{conn, r}
}

// say writes one masked text frame.
func (w *raw) say(t *testing.T, text string) {
	t.Helper()
	w.frame(t, 0x81, []byte(text))
}

func (w *raw) frame(t *testing.T, first byte, payload []byte) {
	t.Helper()
	if err := w.tryFrame(first, payload); err != nil {
		t.Fatal(err)
	}
}

// tryFrame writes a frame to a peer that may be gone.
func (w *raw) tryFrame(first byte, payload []byte) error {
	b := []byte{first}
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = append(b, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload))) //nolint:gosec // short in tests
	}
	var mask [4]byte
	_, _ = rand.Read(mask[:])
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	_, err := w.conn.Write(b)
	return err
}

// untilCut reads until the server cuts the line.
func (w *raw) untilCut(t *testing.T) {
	t.Helper()
	_, err := io.Copy(io.Discard, w.r)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the server keeps the line open")
	}
}
