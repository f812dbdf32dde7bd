package server

import (
	"context"
	"net/http"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// Authenticator says who a request speaks for. token is what came with it, by
// Authorization or by ?token=; empty when none did. An error that is an
// [*topics.Error] reaches the client as it is.
type Authenticator interface {
	Authenticate(r *http.Request, token string) (statesync.Identity, error)
}

// TokenAuthenticator is an Authenticator whose tokens need no request: they may come
// in an auth frame, first or to refresh a session in place.
type TokenAuthenticator interface {
	Authenticator
	AuthenticateToken(ctx context.Context, token string) (statesync.Identity, error)
}

// DevAuth believes what the URL says and grants everything: ?user= (default
// "anonymous") in ?tenant= (default "default"). On /ws/{x} the segment x is the
// tenant and the user where the query names none.
//
// A server with DevAuth answers on loopback names only and lets pages of every
// loopback origin call it.
type DevAuth struct{}

// Authenticate never asks for a token.
func (DevAuth) Authenticate(r *http.Request, _ string) (statesync.Identity, error) {
	q := r.URL.Query()
	user, tenant := q.Get("user"), q.Get("tenant")
	segment := r.PathValue("tenant")
	if tenant == "" {
		tenant = segment
	}
	if user == "" {
		user = segment
	}
	set(&user, "anonymous")
	set(&tenant, string(topics.DefaultTenant))
	if err := topics.CheckUser(user); err != nil {
		return statesync.Identity{}, err
	}
	parsed, err := topics.ParseTenant(tenant)
	if err != nil {
		return statesync.Identity{}, err
	}
	return statesync.Identity{Tenant: parsed, User: user, Grants: statesync.AllowAll{}}, nil
}
