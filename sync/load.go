package statesync

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Mutate decides one mutation and returns its answer, which is a rejection as
// often as an ack. An error means that there is no answer: ctx ended first, and a
// resend with the same identity will tell what became of it.
func (e *Engine) Mutate(ctx context.Context, id Identity, m topics.Mutation) (frame.Answer, error) {
	answers := make(chan frame.Answer, 1)
	r := &request{mutation: m, identity: id, reply: func(a frame.Answer) { answers <- a }}
	if err := e.submit(ctx, r); err != nil {
		a := rejection(m, err)
		e.metrics.answered(a)
		return a, nil
	}
	select {
	case a := <-answers:
		return a, nil
	case <-ctx.Done():
		return frame.Answer{}, ctx.Err()
	}
}

// Position is where a topic is now.
func (e *Engine) Position(ctx context.Context, id Identity, name topics.Name) (topics.Position, error) {
	if err := e.permit(id, ActionRead, name); err != nil {
		return topics.Position{}, err
	}
	head, err := e.head(ctx, e.key(id, name))
	return head.Position, err
}

func (e *Engine) head(ctx context.Context, key store.Topic) (store.Head, error) {
	t := e.registry.use(key)
	defer e.registry.release(t)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.load(ctx); err != nil {
		return store.Head{}, topicError(err)
	}
	return t.head, nil
}

// WaitVersion waits until the topic is at least at version, or ctx ends, and
// returns its position.
func (e *Engine) WaitVersion(ctx context.Context, id Identity, name topics.Name, version topics.Version) (topics.Position, error) {
	if err := e.permit(id, ActionRead, name); err != nil {
		return topics.Position{}, err
	}
	t := e.registry.use(e.key(id, name))
	defer e.registry.release(t)
	w := &waiter{version: version, ready: make(chan struct{})}
	t.mu.Lock()
	if err := t.load(ctx); err != nil {
		t.mu.Unlock()
		return topics.Position{}, topicError(err)
	}
	if t.head.Version >= version {
		defer t.mu.Unlock()
		return t.head.Position, nil
	}
	t.waits = append(t.waits, w)
	t.mu.Unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waits = without(t.waits, w)
	return t.head.Position, nil
}

func without(list []*waiter, w *waiter) []*waiter {
	for i := range list {
		if list[i] == w {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// Row returns an entity's row and the topic's position. found is false when there
// is no such row; Version is then that of its deletion, or 0.
func (e *Engine) Row(ctx context.Context, id Identity, name topics.Name, entityID string) (row frame.Row, found bool, err error) {
	if err := e.permit(id, ActionRead, name); err != nil {
		return frame.Row{}, false, err
	}
	entry, known, err := e.store.Row(ctx, e.key(id, name), entityID)
	if err != nil {
		return frame.Row{}, false, topicError(err)
	}
	if !known {
		return frame.Row{}, false, nil
	}
	return frame.Row{Version: entry.Version, Data: entry.DataJSON()}, entry.Kind == store.KindRow, nil
}

// SnapshotPage is one page of a topic's rows: a snapshot frame as it is sent.
type SnapshotPage struct {
	Position topics.Position // the page's rows are those of this position
	Frame    []byte          // without a newline
	Next     string          // the cursor of the next page; empty: this was the last
}

// Snapshot returns the topic's rows in version order, at most limit of them (0: any
// number) and Limits.PageBytes, going on from a cursor that an earlier page gave. All pages of one chain
// show the same state; a cursor older than store.RunLife is refused.
func (e *Engine) Snapshot(ctx context.Context, id Identity, name topics.Name, limit int, cursor string) (SnapshotPage, error) {
	if err := e.permit(id, ActionRead, name); err != nil {
		return SnapshotPage{}, err
	}
	from, err := parsePageCursor(cursor)
	if err != nil {
		return SnapshotPage{}, err
	}
	page, err := e.store.Last(ctx, e.key(id, name), from.after, from.as, store.Budget{Events: limit, Bytes: e.limits.PageBytes})
	if err != nil {
		return SnapshotPage{}, pageError(err)
	}
	r := frame.Run{Topic: name, Epoch: page.Head.Epoch, From: from.after, To: page.Head.Version, Target: page.Head.Version, More: page.More}
	out := SnapshotPage{Position: page.Head.Position}
	if page.More {
		r.To = page.Events[len(page.Events)-1].Version
		out.Next = pageCursor{as: page.At, after: r.To}.String()
	}
	out.Frame = frame.AppendSnapshot(nil, r, page.Events)
	if out.Next != "" {
		out.Frame = append(out.Frame[:len(out.Frame)-1], `,"next":"`+out.Next+`"}`...)
	}
	return out, nil
}

// pageCursor is where the next page of a snapshot begins.
type pageCursor struct {
	as    store.Timestamp
	after topics.Version
}

// String is opaque to clients.
func (c pageCursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", c.as, c.after))
}

func parsePageCursor(s string) (pageCursor, error) {
	if s == "" {
		return pageCursor{}, nil
	}
	bad := topics.Errorf(topics.CodeInvalid, "cursor", "is not one that a page gave; begin again without it")
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return pageCursor{}, bad
	}
	as, after, ok := strings.Cut(string(text), ".")
	at, err := strconv.ParseUint(as, 10, 64)
	if !ok || err != nil || at == 0 {
		return pageCursor{}, bad
	}
	version, err := topics.ParseVersion(after)
	if err != nil {
		return pageCursor{}, bad
	}
	return pageCursor{as: store.Timestamp(at), after: version}, nil
}
