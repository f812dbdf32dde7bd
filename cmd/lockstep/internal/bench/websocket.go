//go:build linux

package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// dialect is what is spoken in a WebSocket's messages.
type dialect interface {
	opened(c *line) error
	message(c *line, m []byte) error
}

// webSocket is a client so cheap that a server is the bottleneck: it masks with
// zeros, which changes nothing, and looks at frames where they were received.
type webSocket struct {
	path, subprotocol string
	dialect           dialect
}

func (w *webSocket) hello(*line) []byte {
	text := "GET " + w.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	if w.subprotocol != "" {
		text += "Sec-WebSocket-Protocol: " + w.subprotocol + "\r\n"
	}
	return []byte(text + "\r\n")
}

// Opcodes, with the bit that says that the frame is a whole message.
const (
	wholeText  = 0x81
	wholeClose = 0x88
	wholePing  = 0x89
	wholePong  = 0x8a
)

func (w *webSocket) cut(c *line, b []byte) (int, error) {
	if !c.upgraded {
		return w.upgrade(c, b)
	}
	head, size := frameHead(b)
	if head == 0 || len(b)-head < size {
		return 0, nil
	}
	body := b[head : head+size]
	var err error
	switch b[0] {
	case wholeText:
		err = w.dialect.message(c, body)
	case wholePing:
		err = c.send(appendFrame(nil, wholePong, body))
	case wholePong:
	case wholeClose:
		err = fmt.Errorf("the server said goodbye: %q", body)
	default:
		err = fmt.Errorf("a frame begins with %#x", b[0])
	}
	return head + size, err
}

func (w *webSocket) upgrade(c *line, b []byte) (int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, nil
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
		return 0, fmt.Errorf("the handshake was refused: %.300q", b)
	}
	c.upgraded = true
	c.loop.opening--
	return end + 4, w.dialect.opened(c)
}

// frameHead is how long a frame's head is and how many bytes follow it; 0 where more
// of it has to come.
func frameHead(b []byte) (head, size int) {
	switch {
	case len(b) < 2:
		return 0, 0
	case b[1] < 126:
		return 2, int(b[1])
	case b[1] == 126 && len(b) >= 4:
		return 4, int(binary.BigEndian.Uint16(b[2:]))
	case b[1] == 127 && len(b) >= 10:
		return 10, int(binary.BigEndian.Uint64(b[2:])) //nolint:gosec // a loopback server's
	}
	return 0, 0
}

// appendFrame appends a client's frame, masked with zeros.
func appendFrame(dst []byte, first byte, body []byte) []byte {
	dst = append(dst, first)
	switch {
	case len(body) < 126:
		dst = append(dst, 0x80|byte(len(body)))
	case len(body) < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(len(body)))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(len(body)))
	}
	return append(append(dst, 0, 0, 0, 0), body...)
}

var errUnexpected = errors.New("unexpected message")

// unexpected names a message that the load cannot place: a refusal, most likely.
func unexpected(m []byte) error { return fmt.Errorf("%w: %.300q", errUnexpected, m) }
