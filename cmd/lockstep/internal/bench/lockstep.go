//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"strconv"
)

// lockstep is this product, over WebSocket.
type lockstep struct{}

func (lockstep) follower() talk {
	return &webSocket{path: "/v1/ws?user=reader", subprotocol: "lockstep.v1", dialect: lockstep{}}
}

func (lockstep) writer() talk {
	return &webSocket{path: "/v1/ws?user=writer", subprotocol: "lockstep.v1", dialect: lockstep{}}
}

func (lockstep) publish(dst []byte, ms []mutation) []byte {
	body := make([]byte, 0, len(ms)*(payloadBytes+160))
	for _, m := range ms {
		body = append(body, `{"type":"mutate","topic":"bench:`...)
		body = strconv.AppendInt(body, int64(m.topic), 10)
		body = append(body, `","client":"`...)
		body = append(body, m.client...)
		body = append(body, `","seq":`...)
		body = strconv.AppendUint(body, m.seq, 10)
		body = append(appendChanges(append(body, ','), m), '}', '\n')
	}
	return appendFrame(dst, wholeText, body[:len(body)-1])
}

// appendChanges appends what a mutation does: it puts one entity.
func appendChanges(dst []byte, m mutation) []byte {
	dst = append(dst, `"changes":[{"op":"put","entity_id":"e`...)
	dst = strconv.AppendInt(dst, int64(m.entity), 10)
	dst = append(dst, `","payload":`...)
	return append(appendPayload(dst, m.n), `}]`...)
}

func (lockstep) opened(*line) error { return nil }

// message reads as little of a message as tells what it is and where it leads.
func (k lockstep) message(c *line, m []byte) error {
	for len(m) > 0 {
		text := m
		if end := bytes.IndexByte(m, '\n'); end >= 0 {
			text, m = m[:end], m[end+1:]
		} else {
			m = nil
		}
		if err := k.frame(c, text); err != nil {
			return err
		}
	}
	return nil
}

func (k lockstep) frame(c *line, text []byte) error {
	kind, rest, ok := bytes.Cut(text[min(len(text), len(`{"type":"`)):], []byte(`"`))
	if !ok {
		return unexpected(text)
	}
	switch string(kind) {
	case "events":
		topic, from, to, err := eventsHead(rest)
		if err != nil {
			return err
		}
		return c.move(topic, from, to, text)
	case "ack":
		if !bytes.Contains(text, []byte(`"status":"applied"`)) {
			return unexpected(text)
		}
		return c.ears.hearAcked(c, 1)
	case "welcome":
		if len(c.stands) == 0 {
			return c.ears.hearReady(c)
		}
		return k.subscribe(c)
	case "subscribed":
		return k.subscribed(c, text)
	case "snapshot":
		return k.snapshot(c, text)
	case "mark", "pong":
		return nil
	}
	return unexpected(text)
}

// subscribe asks for the line's topics, from its position where it has one.
func (lockstep) subscribe(c *line) error {
	body := []byte(`{"type":"subscribe","topics":[`)
	for i, s := range c.stands {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"topic":"bench:%d"`, s.topic)
		if c.every {
			body = append(body, `,"mode":"every"`...)
		}
		if c.from.Epoch != "" {
			body = fmt.Appendf(body, `,"epoch":%q,"version":%d`, c.from.Epoch, c.from.Version)
		}
		body = append(body, '}')
	}
	return c.send(appendFrame(nil, wholeText, append(body, `]}`...)))
}

// subscribed is an answer that says where the line is in a topic. Where it asked
// for all, a snapshot follows, which says more.
func (lockstep) subscribed(c *line, text []byte) error {
	topic, rest, err := topicHead(text[len(`{"type":"subscribed"`):])
	if err != nil {
		return err
	}
	c.state = string(rest[len(`,"epoch":"`):][:epochBytes])
	if c.from.Epoch == "" {
		return nil
	}
	if c.settle(topic, c.from.Version) && !c.ready {
		return c.ears.hearReady(c)
	}
	return nil
}

func (lockstep) snapshot(c *line, text []byte) error {
	topic, _, err := topicHead(text[len(`{"type":"snapshot"`):])
	at := bytes.LastIndex(text, []byte(`,"to":`))
	if err != nil || at < 0 {
		return unexpected(text)
	}
	if !bytes.HasSuffix(text, []byte(`"more":false}`)) {
		return nil
	}
	to, _ := number(text[at+len(`,"to":`):])
	all := c.settle(topic, to)
	c.joins++
	if c.ears.joined != nil {
		return c.ears.joined(c)
	}
	if all && !c.ready {
		return c.ears.hearReady(c)
	}
	return nil
}
