package server

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// Bounds of tokens.
const (
	MaxTokenBytes    = 4 << 10        // past it: unauthorized
	MaxTokenLifetime = 24 * time.Hour // past it: unauthorized
	TokenLeeway      = time.Minute    // that clocks may differ
	minSecretBytes   = 32             // as many as HS256's hash has
)

// JWTOptions say whose signatures count. There must be a key; several of a kind are
// for changing from one to the next.
type JWTOptions struct {
	Secrets    [][]byte           // of HS256, 32 bytes or more each
	PublicKeys []crypto.PublicKey // of RS256, ES256 or EdDSA, as the key's type says
	Issuer     string             // that iss must name; empty: any
	Audience   string             // that aud must name; empty: any
	Leeway     time.Duration      // default TokenLeeway
	Clock      func() time.Time   // default time.Now
}

// JWT authenticates by signed tokens. Its claims are sub, the user; tenant (default
// "default"); exp, which is required; grants, a list of {topics, allow}; topics to
// follow unasked; and permissions for the application's handlers.
//
// The algorithm is the key's: a token cannot choose one.
type JWT struct {
	parser *jwt.Parser
	keys   map[string][]jwt.VerificationKey // by algorithm
	leeway time.Duration
	clock  func() time.Time
}

// NewJWT makes an authenticator. A key that is too weak is refused.
func NewJWT(o JWTOptions) (*JWT, error) {
	a := &JWT{keys: make(map[string][]jwt.VerificationKey), leeway: o.Leeway, clock: o.Clock}
	set(&a.leeway, TokenLeeway)
	if a.clock == nil {
		a.clock = time.Now
	}
	for _, secret := range o.Secrets {
		if len(secret) < minSecretBytes {
			return nil, errors.New("the secret is too short: HS256 wants 32 bytes or more")
		}
		a.add(jwt.SigningMethodHS256.Alg(), secret)
	}
	for _, key := range o.PublicKeys {
		algorithm, err := algorithmOf(key)
		if err != nil {
			return nil, err
		}
		a.add(algorithm, key)
	}
	if len(a.keys) == 0 {
		return nil, errors.New("there is no key to check tokens with")
	}
	var algorithms []string
	for name := range a.keys {
		algorithms = append(algorithms, name)
	}
	checks := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(a.leeway), jwt.WithTimeFunc(a.clock), jwt.WithStrictDecoding(),
	}
	if o.Issuer != "" {
		checks = append(checks, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		checks = append(checks, jwt.WithAudience(o.Audience))
	}
	a.parser = jwt.NewParser(checks...)
	return a, nil
}

func (a *JWT) add(algorithm string, key jwt.VerificationKey) {
	a.keys[algorithm] = append(a.keys[algorithm], key)
}

// Authenticate says who the request's token is of.
func (a *JWT) Authenticate(_ *http.Request, token string) (statesync.Identity, error) {
	return a.AuthenticateToken(context.Background(), token)
}

// AuthenticateToken says who a token is of.
func (a *JWT) AuthenticateToken(_ context.Context, token string) (statesync.Identity, error) {
	switch {
	case token == "":
		return statesync.Identity{}, refused("is missing; send it by Authorization: Bearer, or in an auth frame")
	case len(token) > MaxTokenBytes:
		return statesync.Identity{}, refused("is %d bytes long; at most %d", len(token), MaxTokenBytes)
	}
	var c claims
	if _, err := a.parser.ParseWithClaims(token, &c, a.key); err != nil {
		return statesync.Identity{}, whyInvalid(err)
	}
	from := a.clock().Add(a.leeway)
	if c.IssuedAt != nil {
		from = c.IssuedAt.Time
	}
	if c.ExpiresAt.Sub(from) > MaxTokenLifetime {
		return statesync.Identity{}, refused("lives longer than %s; make tokens that end sooner", MaxTokenLifetime)
	}
	id, err := c.identity()
	id.Expires = c.ExpiresAt.Add(a.leeway)
	return id, err
}

// key gives the keys of the token's algorithm, which the parser has found among
// those there are.
func (a *JWT) key(token *jwt.Token) (any, error) {
	return jwt.VerificationKeySet{Keys: a.keys[token.Method.Alg()]}, nil
}

// whyInvalid words the library's refusal. What it says of the token beyond that is
// not repeated.
func whyInvalid(err error) error {
	var mine *topics.Error
	switch {
	case errors.As(err, &mine):
		return mine
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return refused("has a signature or an algorithm that is not accepted here")
	case errors.Is(err, jwt.ErrTokenExpired):
		return errTokenExpired()
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return refused("is not valid yet; check the clocks")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refused("has no exp, or another claim that is required is missing")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer), errors.Is(err, jwt.ErrTokenInvalidAudience):
		return refused("is meant for another server: its iss or aud is not the one that is expected")
	}
	return refused("is no JSON Web Token that can be read")
}

func refused(format string, args ...any) *topics.Error {
	return topics.Errorf(topics.CodeUnauthorized, "token", format, args...)
}
