//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"strconv"
)

// overHTTP is this product, written to by requests on kept connections.
type overHTTP struct{ lockstep }

func (overHTTP) writer() talk { return requests{} }

func (overHTTP) publish(dst []byte, ms []mutation) []byte {
	for _, m := range ms {
		body := append([]byte(`{"client":"`), m.client...)
		body = append(body, `","seq":`...)
		body = strconv.AppendUint(body, m.seq, 10)
		body = append(appendChanges(append(body, ','), m), '}')
		dst = fmt.Appendf(dst, "POST /v1/topics/bench:%d/mutations?user=writer HTTP/1.1\r\nHost: 127.0.0.1\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", m.topic, len(body))
		dst = append(dst, body...)
	}
	return dst
}

// requests is HTTP as far as it takes to read an acknowledgement. The first one asks
// for the server's health, so that the line is known to be open.
type requests struct{}

func (requests) hello(*line) []byte {
	return []byte("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
}

func (requests) cut(c *line, b []byte) (int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0, nil
	}
	const length = "\r\nContent-Length: "
	at := bytes.Index(b[:end], []byte(length))
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) || at < 0 {
		return 0, unexpected(b)
	}
	size, _ := number(b[at+len(length):])
	whole := end + 4 + int(size) //nolint:gosec // small
	if len(b) < whole {
		return 0, nil
	}
	if !c.upgraded {
		c.upgraded = true
		c.loop.opening--
		return whole, c.ears.hearReady(c)
	}
	if !bytes.Contains(b[end:whole], []byte(`"status":"applied"`)) {
		return 0, unexpected(b)
	}
	return whole, c.ears.hearAcked(c, 1)
}
