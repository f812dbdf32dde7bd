package server_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lockstep-sync/lockstep/server"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

// sign makes a token of claims over those of a sound one. A nil claim leaves one out.
func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	token, err := jwt.NewWithClaims(method, all).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func hs256(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	return sign(t, jwt.SigningMethodHS256, secret, claims)
}

func newJWT(t *testing.T, o server.JWTOptions) *server.JWT {
	t.Helper()
	a, err := server.NewJWT(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func withJWT(t *testing.T) func(*options) {
	return func(o *options) {
		o.server.Authenticator = newJWT(t, server.JWTOptions{Secrets: [][]byte{secret}})
	}
}

// TestTokensRefused: each gets its reason.
func TestTokensRefused(t *testing.T) {
	a := newJWT(t, server.JWTOptions{Secrets: [][]byte{secret}, Issuer: "us"})
	now := time.Now()
	exp := jwt.MapClaims{"iss": "us"}
	with := func(more jwt.MapClaims) jwt.MapClaims {
		all := jwt.MapClaims{}
		for _, m := range []jwt.MapClaims{exp, more} {
			maps.Copy(all, m)
		}
		return all
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"sub": "ann", "exp": now.Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	twice := part(`{"alg":"HS256"}`) + "." + part(`{"sub":"ann","sub":"ben","exp":9999999999}`)
	signature, err := jwt.SigningMethodHS256.Sign(twice, secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ token, want string }{
		"none":           {"", "is missing"},
		"garbage":        {"garbage", "is no JSON Web Token"},
		"too long":       {strings.Repeat("x", server.MaxTokenBytes+1), "at most 4096"},
		"unsigned":       {unsigned, "algorithm that is not accepted"},
		"HS512":          {sign(t, jwt.SigningMethodHS512, secret, exp), "algorithm that is not accepted"},
		"another secret": {sign(t, jwt.SigningMethodHS256, []byte("another"), exp), "signature"},
		"no exp":         {hs256(t, with(jwt.MapClaims{"exp": nil})), "no exp"},
		"expired":        {hs256(t, with(jwt.MapClaims{"exp": now.Add(-61 * time.Second).Unix()})), "has expired"},
		"too long-lived": {hs256(t, with(jwt.MapClaims{"exp": now.Add(25 * time.Hour).Unix()})), "lives longer than 24h"},
		"made long ago":  {hs256(t, with(jwt.MapClaims{"iat": now.Add(-24 * time.Hour).Unix(), "exp": now.Add(time.Hour).Unix()})), "lives longer than 24h"},
		"not yet":        {hs256(t, with(jwt.MapClaims{"nbf": now.Add(2 * time.Minute).Unix()})), "not valid yet"},
		"no sub":         {hs256(t, with(jwt.MapClaims{"sub": nil})), "claim sub"},
		"sub a number":   {hs256(t, with(jwt.MapClaims{"sub": 7})), "claim sub"},
		"Sub for sub":    {hs256(t, with(jwt.MapClaims{"sub": nil, "Sub": "ann"})), "claim sub"},
		"sub twice":      {twice + "." + base64.RawURLEncoding.EncodeToString(signature), "cannot be read"},
		"tenant":         {hs256(t, with(jwt.MapClaims{"tenant": "A B"})), "claim tenant"},
		"grants":         {hs256(t, with(jwt.MapClaims{"grants": "all"})), "claim grants"},
		"allow":          {hs256(t, with(jwt.MapClaims{"grants": []any{map[string]any{"topics": "a:*", "allow": []string{"reed"}}}})), "grants[0]"},
		"pattern":        {hs256(t, with(jwt.MapClaims{"grants": []any{map[string]any{"topics": "a:*:b", "allow": []string{"read"}}}})), "grants[0]"},
		"a user as type": {hs256(t, with(jwt.MapClaims{"sub": "system", "grants": []any{map[string]any{"topics": "{sub}:broadcast", "allow": []string{"write"}}}})), "grants[0]"},
		"topics":         {hs256(t, with(jwt.MapClaims{"topics": []string{"a:*"}})), "topics[0]"},
		"issuer":         {hs256(t, jwt.MapClaims{"iss": "them"}), "another server"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.AuthenticateToken(context.Background(), c.token)
			e := topics.AsError(err)
			if e.Code != topics.CodeUnauthorized || e.Field != "token" || !strings.Contains(e.Message, c.want) {
				t.Errorf("refused with %v, want %q", err, c.want)
			}
		})
	}
	if _, err := a.AuthenticateToken(context.Background(), hs256(t, with(jwt.MapClaims{"exp": now.Add(-50 * time.Second).Unix()}))); err != nil {
		t.Errorf("within the leeway: %v", err)
	}
}

// TestAlgorithmsArePinned: a key is used with its own algorithm only.
func TestAlgorithmsArePinned(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"RS256": sign(t, jwt.SigningMethodRS256, rsaKey, nil), "ES256": sign(t, jwt.SigningMethodES256, ecKey, nil),
		"EdDSA": sign(t, jwt.SigningMethodEdDSA, edKey, nil), "PS256": sign(t, jwt.SigningMethodPS256, rsaKey, nil), "RS512": sign(t, jwt.SigningMethodRS512, rsaKey, nil),
	}
	public := make(map[string]crypto.PublicKey)
	for name, key := range map[string]crypto.PublicKey{"RS256": rsaKey.Public(), "ES256": ecKey.Public(), "EdDSA": edPublic} {
		text := pemOf(t, key)
		if public[name], err = server.ParsePublicKey(text); err != nil {
			t.Fatal(err)
		}
		// The oldest trick: the public key as if it were a secret.
		tokens["HS256 with the key of "+name] = sign(t, jwt.SigningMethodHS256, text, nil)
	}
	for name, key := range public {
		a := newJWT(t, server.JWTOptions{PublicKeys: []crypto.PublicKey{key}})
		for algorithm, token := range tokens {
			_, err := a.AuthenticateToken(context.Background(), token)
			if (err == nil) != (algorithm == name) {
				t.Errorf("%s with the key of %s: %v", algorithm, name, err)
			}
		}
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	if err == nil {
		if _, err := server.NewJWT(server.JWTOptions{PublicKeys: []crypto.PublicKey{weak.Public()}}); err == nil {
			t.Error("a weak key is taken")
		}
	}
	if _, err := server.NewJWT(server.JWTOptions{Secrets: [][]byte{[]byte("short")}}); err == nil {
		t.Error("a short secret is taken")
	}
	private, err := x509.MarshalPKCS8PrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})); err == nil || !strings.Contains(err.Error(), "private") {
		t.Errorf("a private key: %v", err)
	}
}

func pemOf(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestGrants_P8: what each pattern covers.
func TestGrants_P8(t *testing.T) {
	a := newJWT(t, server.JWTOptions{Secrets: [][]byte{secret}})
	identity := func(claims jwt.MapClaims) statesync.Identity {
		id, err := a.AuthenticateToken(context.Background(), hs256(t, claims))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for name, c := range map[string]struct {
		sub, pattern string
		covers, not  []topics.Name
	}{
		"one":                {"ann", "gift-list:1", []topics.Name{"gift-list:1"}, []topics.Name{"gift-list:12", "gift-list:2"}},
		"a type":             {"ann", "gift-list:*", []topics.Name{"gift-list:1", "gift-list:x"}, []topics.Name{"gift-lists:1", "doc:1"}},
		"a prefix":           {"ann", "doc:team-*", []topics.Name{"doc:team-1"}, []topics.Name{"doc:team", "doc:other"}},
		"everything":         {"ann", "*", []topics.Name{"doc:1", "a:b"}, []topics.Name{"user:ben", "system:other"}},
		"reserved, open":     {"ann", "user:*", nil, []topics.Name{"user:ben", "user:anna"}},
		"reserved, literal":  {"ann", "user:ben", nil, []topics.Name{"user:ben"}}, // nobody reads another's, whatever is granted
		"the user":           {"ann", "notes:{sub}", []topics.Name{"notes:ann"}, []topics.Name{"notes:ben", "notes:{sub}"}},
		"the user, prefix":   {"ann", "notes:{sub}.*", []topics.Name{"notes:ann.1"}, []topics.Name{"notes:ann", "notes:ben.1"}},
		"a user called star": {"*", "notes:{sub}", []topics.Name{"notes:~2a"}, []topics.Name{"notes:ann", "notes:ben"}},
		"a user with signs":  {"auth0|5", "notes:{sub}", []topics.Name{"notes:auth0~7c5"}, []topics.Name{"notes:auth0"}},
	} {
		t.Run(name, func(t *testing.T) {
			id := identity(jwt.MapClaims{"sub": c.sub, "grants": []any{map[string]any{"topics": c.pattern, "allow": []string{"read", "signal"}}}})
			for _, topic := range c.covers {
				if !id.May(statesync.ActionRead, topic) || !id.May(statesync.ActionSignal, topic) || id.May(statesync.ActionWrite, topic) {
					t.Errorf("%s does not cover %s", c.pattern, topic)
				}
			}
			for _, topic := range c.not {
				if id.May(statesync.ActionRead, topic) {
					t.Errorf("%s covers %s", c.pattern, topic)
				}
			}
			if own, err := topics.UserTopic(c.sub); err != nil || !id.May(statesync.ActionRead, own) || id.May(statesync.ActionWrite, own) || !id.May(statesync.ActionRead, topics.Broadcast) {
				t.Error("the user's own topic, and the broadcasts")
			}
		})
	}
	id := identity(jwt.MapClaims{"tenant": "acme", "topics": []string{"notes:{sub}"}, "permissions": []string{"chat:read", "chat:moderate", "system:read", "x"}})
	if id.Tenant != "acme" || len(id.Topics) != 1 || id.Topics[0] != "notes:ann" {
		t.Errorf("identity %+v", id)
	}
	if !id.May(statesync.ActionRead, "chat:1") || id.May(statesync.ActionWrite, "chat:1") || id.May(statesync.ActionRead, "system:x") || !id.Has("chat:moderate") || id.Has("chat:write") {
		t.Error("permissions are not what they say")
	}
}
