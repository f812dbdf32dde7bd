package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Change is one step of a mutation, as it stands on the wire.
type Change struct {
	Op        string          `json:"op,omitempty"` // empty: put
	EntityID  string          `json:"entity_id"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	IfVersion *topics.Version `json:"if_version,omitempty"`
	Event     string          `json:"event,omitempty"`
}

// Mutation is a wish with its name: the same key always comes with the same changes.
type Mutation struct {
	Topic   topics.Name
	Key     string
	TraceID string // of the events it makes; empty: the server's to choose
	Changes []Change
	// Patience is how long to try again when nobody answers or the server says
	// later; 0: not at all.
	Patience time.Duration
}

// Ack is the answer to a mutation that was not refused.
type Ack struct {
	Epoch   topics.Epoch   `json:"epoch"`
	Version topics.Version `json:"version"` // of the topic right after it
	Status  string         `json:"status"`  // applied, duplicate or unchanged
	JSON    json.RawMessage
}

// Mutate sends the mutation until it is answered, or patience ends.
func (c *Client) Mutate(ctx context.Context, m Mutation) (Ack, error) {
	body, err := m.body()
	if err != nil {
		return Ack{}, err
	}
	end, backoff := time.Now().Add(m.Patience), Default()
	for {
		ack, err := c.mutate(ctx, m, body)
		if err == nil || !temporary(err) {
			return ack, err
		}
		wait := backoff.Next(hint(err))
		if time.Now().Add(wait).After(end) {
			return Ack{}, err
		}
		if err := pause(ctx, wait); err != nil {
			return Ack{}, err
		}
	}
}

func (c *Client) mutate(ctx context.Context, m Mutation, body []byte) (Ack, error) {
	a, err := c.do(ctx, call{
		method: http.MethodPost, path: []string{string(m.Topic), "mutations"}, body: body,
		header: http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {m.Key}},
	})
	if err != nil {
		return Ack{}, err
	}
	text, err := c.read(ctx, a)
	if err != nil {
		return Ack{}, err
	}
	ack := Ack{JSON: bytes.TrimSpace(text)}
	if err := json.Unmarshal(text, &ack); err != nil {
		return Ack{}, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return ack, nil
}

func (m Mutation) body() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // payloads stay as they are
	err := e.Encode(struct {
		Changes []Change `json:"changes"`
		TraceID string   `json:"trace_id,omitempty"`
	}{m.Changes, m.TraceID})
	return b.Bytes(), err
}
