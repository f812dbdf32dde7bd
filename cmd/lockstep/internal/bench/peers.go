//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"strconv"
)

// numbered is a peer's message: it says which publication it is, and versions are
// those numbers.
func numbered(c *line, m, head []byte) error {
	if !bytes.HasPrefix(m, head) {
		return unexpected(m)
	}
	n, _ := number(m[len(head):])
	return c.move(0, n-1, n, m)
}

// plainSocket is a bare `ws` server: it sends what one client says to all others,
// and keeps nothing.
type plainSocket struct{}

func (plainSocket) follower() talk { return &webSocket{path: "/follow", dialect: plainSocket{}} }
func (plainSocket) writer() talk   { return &webSocket{path: "/write", dialect: plainSocket{}} }

func (plainSocket) publish(dst []byte, ms []mutation) []byte {
	for _, m := range ms {
		dst = appendFrame(dst, wholeText, appendPayload(nil, m.n))
	}
	return dst
}

func (plainSocket) opened(c *line) error { return c.ears.hearReady(c) }

func (plainSocket) message(c *line, m []byte) error {
	if string(m) == "ok" {
		return c.ears.hearAcked(c, 1)
	}
	return numbered(c, m, []byte(`{"n":`))
}

// socketIO is Socket.IO 4 over WebSocket: a room that followers join, and an
// acknowledgement to the writer. It keeps nothing on disk.
type socketIO struct{}

const socketIOPath = "/socket.io/?EIO=4&transport=websocket"

func (socketIO) follower() talk { return &webSocket{path: socketIOPath, dialect: socketIO{}} }
func (socketIO) writer() talk   { return &webSocket{path: socketIOPath, dialect: socketIO{}} }

func (socketIO) publish(dst []byte, ms []mutation) []byte {
	for _, m := range ms {
		body := strconv.AppendUint([]byte("42"), m.n, 10)
		body = append(appendPayload(append(body, `["write",`...), m.n), ']')
		dst = appendFrame(dst, wholeText, body)
	}
	return dst
}

func (socketIO) opened(*line) error { return nil }

// recovery is what a client of socket.io needs to come back to its session.
type recovery struct{ pid, offset string }

func (socketIO) message(c *line, m []byte) error {
	switch {
	case bytes.HasPrefix(m, []byte(`42["e",`)):
		r, _ := c.state.(recovery)
		if end := bytes.LastIndexByte(m, '"'); m[len(m)-2] == '"' {
			r.offset = string(m[bytes.LastIndexByte(m[:end], '"')+1 : end])
			c.state = r
		}
		return numbered(c, m, []byte(`42["e",{"n":`))
	case bytes.HasPrefix(m, []byte("43")):
		return c.ears.hearAcked(c, 1)
	case bytes.HasPrefix(m, []byte("0{")):
		return c.send(appendFrame(nil, wholeText, socketIOConnect(c)))
	case bytes.HasPrefix(m, []byte("40{")):
		if _, pid, ok := bytes.Cut(m, []byte(`"pid":"`)); ok && len(c.stands) > 0 {
			c.state = recovery{pid: string(pid[:bytes.IndexByte(pid, '"')])}
		}
		return c.ears.hearReady(c)
	case string(m) == "2":
		return c.send(appendFrame(nil, wholeText, []byte("3")))
	}
	return unexpected(m)
}

func socketIOConnect(c *line) []byte {
	if len(c.stands) == 0 {
		return []byte(`40{"role":"writer"}`)
	}
	if r, ok := c.state.(recovery); ok && r.offset != "" {
		return fmt.Appendf(nil, `40{"pid":%q,"offset":%q}`, r.pid, r.offset)
	}
	return []byte("40")
}

// jetStream is an embedded nats-server, spoken to in its own protocol. A writer's
// acknowledgement is JetStream's; followers get what core NATS hands on.
type jetStream struct{}

func (jetStream) follower() talk { return jetStream{} }
func (jetStream) writer() talk   { return jetStream{} }

func (jetStream) publish(dst []byte, ms []mutation) []byte {
	for _, m := range ms {
		dst = fmt.Appendf(dst, "PUB bench.%d _INBOX.%s %d\r\n", m.topic, m.client, payloadBytes)
		dst = append(appendPayload(dst, m.n), '\r', '\n')
	}
	return dst
}

func (jetStream) hello(c *line) []byte {
	subject := "_INBOX." + c.name
	if len(c.stands) > 0 {
		subject = "bench.0"
	}
	return []byte(`CONNECT {"verbose":false,"pedantic":false,"headers":false}` + "\r\nSUB " + subject + " 1\r\nPING\r\n")
}

func (jetStream) cut(c *line, b []byte) (int, error) {
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return 0, nil
	}
	head := b[:end]
	switch {
	case bytes.HasPrefix(head, []byte("MSG ")):
		size, _ := number(head[bytes.LastIndexByte(head, ' ')+1:])
		whole := end + 2 + int(size) + 2 //nolint:gosec // small
		if len(b) < whole {
			return 0, nil
		}
		return whole, jetStreamMessage(c, b[end+2:whole-2])
	case bytes.HasPrefix(head, []byte("INFO ")):
		return end + 2, nil
	case string(head) == "PING":
		return end + 2, c.send([]byte("PONG\r\n"))
	case string(head) == "PONG":
		c.upgraded = true
		c.loop.opening--
		return end + 2, c.ears.hearReady(c)
	}
	return 0, unexpected(head)
}

func jetStreamMessage(c *line, m []byte) error {
	if len(c.stands) > 0 {
		return numbered(c, m, []byte(`{"n":`))
	}
	if !bytes.Contains(m, []byte(`"seq":`)) || bytes.Contains(m, []byte(`"error"`)) {
		return unexpected(m)
	}
	return c.ears.hearAcked(c, 1)
}
