package server

import (
	"context"
	"errors"
	"net/http"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// topic is the topic of the path and who asks for it.
func (x *exchange) topic() (statesync.Identity, topics.Name, error) {
	id, err := x.identify()
	if err != nil {
		return id, "", err
	}
	name, err := topics.ParseName(x.r.PathValue("topic"))
	return id, name, err
}

// getTopic answers with a page of the topic's rows: a snapshot frame.
func (x *exchange) getTopic() error {
	if err := x.query.only("min_version", "limit", "cursor"); err != nil {
		return err
	}
	id, name, err := x.topic()
	if err != nil {
		return err
	}
	most := x.server.limits.SnapshotRows
	limit, cursor := x.query.whole("limit", 1, most, most), x.query.text("cursor")
	at, err := x.reach(id, name)
	if err != nil {
		return err
	}
	if cursor == "" && x.notModified(at.String()) {
		return nil
	}
	page, err := x.server.engine.Snapshot(x.r.Context(), id, name, limit, cursor)
	if err != nil {
		return x.gone(err)
	}
	x.w.Header().Set("ETag", etag(page.Position.String()))
	if page.Next != "" {
		x.server.metrics.bound("snapshot_rows")
	}
	return x.sendLarge(http.StatusOK, mediaJSON, append(page.Frame, '\n'))
}

// deleteTopic ends the topic's incarnation; its sessions are told to start over.
func (x *exchange) deleteTopic() error {
	if err := x.query.only(); err != nil {
		return err
	}
	id, name, err := x.topic()
	if err != nil {
		return err
	}
	if err := x.server.engine.Delete(x.r.Context(), id, name); err != nil {
		return x.gone(err)
	}
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

// reach checks the query, and waits until the topic is at min_version. A topic
// that does not get there in time is unavailable: there is no decision to report,
// and asking again may succeed.
func (x *exchange) reach(id statesync.Identity, name topics.Name) (topics.Position, error) {
	least := x.query.version("min_version")
	if err := x.query.fault(); err != nil {
		return topics.Position{}, err
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), x.server.limits.MinVersion)
	defer cancel()
	at, err := x.server.engine.WaitVersion(ctx, id, name, least)
	switch {
	case err != nil:
		return at, x.gone(err)
	case at.Version < least:
		x.server.metrics.bound("min_version")
		return at, topics.Errorf(topics.CodeUnavailable, "min_version", "is %d; the topic is at %d and did not get there within %s", least, at.Version, x.server.limits.MinVersion)
	}
	return at, nil
}

// gone words the end of a request's context for the log and for proxies; the
// client that caused it is no longer there to read it.
func (x *exchange) gone(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return topics.Errorf(topics.CodeUnavailable, "", "the request ended before its answer")
	}
	return err
}
