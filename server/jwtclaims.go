package server

import (
	"encoding/json"

	"github.com/golang-jwt/jwt/v5"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// claims are what a token says.
type claims struct {
	jwt.RegisteredClaims

	tenant      string
	grants      []claimedGrant
	topics      []string
	permissions []string
}

// claimedGrant is one member of the claim grants.
type claimedGrant struct {
	topics string
	allow  []string
}

// claimLimits are what the claims are held to: they come from outside like all else.
var claimLimits = strict.Limits{Bytes: MaxTokenBytes, Depth: 8, Values: 1_000}

// UnmarshalJSON reads claims by their exact names. Twice the same one is refused, or
// two readers of one token could see two users.
func (c *claims) UnmarshalJSON(raw []byte) error {
	body, err := frame.Strict(raw, claimLimits)
	if err != nil {
		return refused("has claims that cannot be read: %s", topics.AsError(err).Message)
	}
	return c.fields("", body, map[string]any{
		"sub": &c.Subject, "iss": &c.Issuer, "aud": &c.Audience, "exp": &c.ExpiresAt, "nbf": &c.NotBefore, "iat": &c.IssuedAt,
		"tenant": &c.tenant, "grants": &c.grants, "topics": &c.topics, "permissions": &c.permissions,
	})
}

// UnmarshalJSON reads {topics, allow}.
func (g *claimedGrant) UnmarshalJSON(raw []byte) error {
	return (&claims{}).fields("grants.", raw, map[string]any{"topics": &g.topics, "allow": &g.allow})
}

// fields reads an object's members into where they belong. encoding/json would take
// "Sub" for "sub".
func (*claims) fields(under string, raw json.RawMessage, into map[string]any) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return refused("has claims that are no JSON object")
	}
	for name, value := range all {
		field := into[name]
		if field == nil {
			continue
		}
		if err := json.Unmarshal(value, field); err != nil {
			if mine := topics.AsError(err); mine.Code != topics.CodeInternal {
				return mine
			}
			return refused("has a claim %s%s that is not what it should be", under, name)
		}
	}
	return nil
}

// identity is who the claims are about and what they may do.
func (c *claims) identity() (statesync.Identity, error) {
	id := statesync.Identity{User: c.Subject, Tenant: topics.DefaultTenant, Permissions: c.permissions}
	if err := topics.CheckUser(c.Subject); err != nil {
		return id, refused("has a claim sub that names no user: it must be 1 to %d bytes of printable UTF-8", topics.MaxUserBytes)
	}
	if c.tenant != "" {
		var err error
		if id.Tenant, err = topics.ParseTenant(c.tenant); err != nil {
			return id, refused("has a claim tenant that is no tenant: %s", topics.AsError(err).Message)
		}
	}
	own, err := topics.UserTopic(c.Subject)
	if err != nil {
		return id, refused("has a claim sub that is too long")
	}
	g := &grants{own: own}
	for i, claimed := range c.grants {
		if err := g.add(claimed.topics, claimed.allow); err != nil {
			return id, refused("has a claim grants[%d] that grants nothing: %s", i, err)
		}
	}
	g.addPermissions(c.permissions)
	id.Grants = g
	for i, text := range c.topics {
		p, err := topics.ParsePattern(text, own.Identifier())
		name, one := p.Topic()
		if err != nil || !one {
			return id, refused("has a claim topics[%d] that is no topic", i)
		}
		id.Topics = append(id.Topics, name)
	}
	return id, nil
}
