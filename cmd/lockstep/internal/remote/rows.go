package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lockstep-sync/lockstep/topics"
)

// pageRows is how many rows are asked for at a time.
const pageRows = 500

// Row is an entity as a snapshot lists it.
type Row struct {
	EntityID string
	Version  topics.Version
	Payload  json.RawMessage
	JSON     json.RawMessage // all of it, as the server sent it
}

// UnmarshalJSON keeps the text beside the fields.
func (r *Row) UnmarshalJSON(text []byte) error {
	var fields struct {
		EntityID string          `json:"entity_id"`
		Version  topics.Version  `json:"version"`
		Payload  json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	*r = Row{EntityID: fields.EntityID, Version: fields.Version, Payload: fields.Payload, JSON: append(json.RawMessage(nil), text...)}
	return nil
}

// Row returns one row.
func (c *Client) Row(ctx context.Context, name topics.Name, id string) (Row, error) {
	if id == "." || id == ".." {
		return Row{}, topics.Errorf(topics.CodeInvalid, "entity_id", "%q cannot stand in a URL; load the whole topic", id)
	}
	a, err := c.do(ctx, call{method: http.MethodGet, path: []string{string(name), "entities", id}})
	if err != nil {
		return Row{}, err
	}
	body, err := c.read(ctx, a)
	if err != nil {
		return Row{}, err
	}
	var row Row
	if err := json.Unmarshal(body, &row); err != nil {
		return Row{}, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return row, nil
}

// Rows passes all rows of a topic to each, in version order, and returns the
// position they are of. Memory holds one page of them.
func (c *Client) Rows(ctx context.Context, name topics.Name, each func(Row) error) (topics.Position, error) {
	var at topics.Position
	for cursor := ""; ; {
		page, err := c.page(ctx, name, pageRows, cursor)
		if err != nil {
			return at, err
		}
		at = page.at
		for _, row := range page.Entities {
			if err := each(row); err != nil {
				return at, err
			}
		}
		if page.Next == "" {
			return at, nil
		}
		cursor = page.Next
	}
}

// Position is where a topic is now.
func (c *Client) Position(ctx context.Context, name topics.Name) (topics.Position, error) {
	page, err := c.page(ctx, name, 1, "")
	return page.at, err
}

// page is a piece of a snapshot.
type page struct {
	Entities []Row  `json:"entities"`
	Next     string `json:"next"`
	at       topics.Position
}

func (c *Client) page(ctx context.Context, name topics.Name, limit int, cursor string) (page, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	a, err := c.do(ctx, call{method: http.MethodGet, path: []string{string(name)}, query: query})
	if err != nil {
		return page{}, err
	}
	var p page
	if p.at, err = topics.ParsePosition(strings.Trim(a.header.Get("ETag"), `"`)); err != nil {
		a.close()
		return page{}, fmt.Errorf("the server's answer has no position: %w", err)
	}
	body, err := c.read(ctx, a)
	if err != nil {
		return page{}, err
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return page{}, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return p, nil
}
