package server

import (
	"mime"
	"net/http"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// Media types of bodies.
const (
	mediaJSON       = "application/json"
	mediaMergePatch = "application/merge-patch+json"
	mediaJSONPatch  = "application/json-patch+json"
)

// getEntity answers with one row, as a snapshot lists it.
func (x *exchange) getEntity() error {
	if err := x.query.only("min_version"); err != nil {
		return err
	}
	id, name, err := x.topic()
	if err != nil {
		return err
	}
	entity, err := x.entityID()
	if err != nil {
		return err
	}
	if _, err := x.reach(id, name); err != nil {
		return err
	}
	row, found, err := x.server.engine.Row(x.r.Context(), id, name, entity)
	switch {
	case err != nil:
		return x.gone(err)
	case !found:
		return topics.Errorf(topics.CodeNotFound, "entity_id", "%q is not in %s", clip(entity), name)
	case x.notModified(versionTag(row.Version)):
		return nil
	}
	x.w.Header().Set("ETag", etag(versionTag(row.Version)))
	return x.send(http.StatusOK, mediaJSON, append(frame.AppendEntity(nil, row.Version, row.Data), '\n'))
}

// putEntity makes the body the entity's value.
func (x *exchange) putEntity() error {
	if err := x.accepts(mediaJSON); err != nil {
		return err
	}
	return x.change(topics.OpPut)
}

// patchEntity changes part of the entity's value; the content type says how.
func (x *exchange) patchEntity() error {
	media, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	switch media {
	case mediaMergePatch:
		return x.change(topics.OpPatch)
	case mediaJSONPatch:
		return x.change(topics.OpJSONPatch)
	}
	x.w.Header().Set("Accept-Patch", mediaMergePatch+", "+mediaJSONPatch)
	return topics.Errorf(topics.CodeMediaType, "Content-Type", "%q must be %s or %s", clip(media), mediaMergePatch, mediaJSONPatch)
}

// deleteEntity removes the row.
func (x *exchange) deleteEntity() error { return x.change(topics.OpDelete) }

// change makes a mutation of the one change that the request asks for.
func (x *exchange) change(op topics.Op) error {
	if err := x.query.only(); err != nil {
		return err
	}
	id, name, err := x.topic()
	if err != nil {
		return err
	}
	c := topics.Change{Op: op}
	if c.EntityID, err = x.entityID(); err != nil {
		return err
	}
	if c.IfMatch, err = x.expectation(); err != nil {
		return err
	}
	key, err := x.key()
	if err != nil {
		return err
	}
	if op != topics.OpDelete {
		body, err := x.body()
		if err != nil {
			return err
		}
		if c.Payload, err = frame.Strict(body, x.server.engine.Limits().Strict()); err != nil {
			return err
		}
	}
	return x.mutate(id, topics.Mutation{Topic: name, Key: key, Changes: []topics.Change{c}})
}

func (x *exchange) entityID() (string, error) {
	entity := x.r.PathValue("id")
	return entity, topics.CheckEntityID(entity)
}

// accepts refuses a body that says it is something else. One that says nothing is
// taken at its word.
func (x *exchange) accepts(want string) error {
	header := x.r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(header)
	if header == "" || err == nil && media == want {
		return nil
	}
	return topics.Errorf(topics.CodeMediaType, "Content-Type", "%q must be %s", clip(header), want)
}
