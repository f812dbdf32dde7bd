package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// Config is what is set. Its zero value is not ready; see [New].
type Config struct {
	Listen, AdminListen string
	Data                string
	Store               Store
	Dev                 bool
	Origins             []string
	TrustedProxies      []netip.Prefix
	Auth                Auth
	Topics              Topics
	LogLevel            slog.Level
	Engine              statesync.Limits
	Server              server.Limits
	Tenants             map[topics.Tenant]server.TenantLimits
	Retention           map[string]statesync.Retention // by topic type; "*" for the others
}

// Store is how the directory Data is kept.
type Store struct {
	Durability badger.Durability
	Scrub      time.Duration // from one reading through to the next; 0: its default
	MinFree    int           // bytes of disk below which writes are refused; 0: its default
}

// Auth says whose tokens count.
type Auth struct {
	Secret      string // of HS256
	SecretFile  string // that holds it; white space around it is not part of it
	PublicKeys  []string
	Issuer      string
	Audience    string
	QueryTokens bool // tokens are taken from URLs where a client can send none otherwise
}

// Topics says which topics there may be.
type Topics struct {
	Strict bool     // only those of Types, and the reserved ones
	Types  []string // declared
}

// New is what holds when nothing is set.
func New() *Config {
	return &Config{
		Listen: "127.0.0.1:7001", AdminListen: "127.0.0.1:7002", Data: "./lockstep-data",
		Auth:      Auth{QueryTokens: true},
		Tenants:   make(map[topics.Tenant]server.TenantLimits),
		Retention: make(map[string]statesync.Retention),
	}
}

// ErrNoKeys says that tokens could not be checked.
var ErrNoKeys = errors.New("there is no key to check tokens with: set auth.secret, auth.secret_file or auth.public_keys, or run with --dev")

// Authenticator makes what checks tokens, or believes everybody where dev is set.
func (c *Config) Authenticator() (server.Authenticator, error) {
	if c.Dev {
		return server.DevAuth{}, nil
	}
	o := server.JWTOptions{Issuer: c.Auth.Issuer, Audience: c.Auth.Audience}
	secret, err := c.Auth.ReadSecret()
	if err != nil {
		return nil, err
	}
	if len(secret) > 0 {
		o.Secrets = append(o.Secrets, secret)
	}
	for _, path := range c.Auth.PublicKeys {
		text, err := os.ReadFile(path) //nolint:gosec // the operator's own file
		if err != nil {
			return nil, fmt.Errorf("auth.public_keys: %w", err)
		}
		key, err := server.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("auth.public_keys: %s: %w", path, err)
		}
		o.PublicKeys = append(o.PublicKeys, key)
	}
	if len(o.Secrets) == 0 && len(o.PublicKeys) == 0 {
		return nil, ErrNoKeys
	}
	auth, err := server.NewJWT(o)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return auth, nil
}

// ReadSecret is the secret of HS256, empty when none is set.
func (a Auth) ReadSecret() ([]byte, error) {
	switch {
	case a.Secret != "" && a.SecretFile != "":
		return nil, errors.New("auth.secret and auth.secret_file are both set; one of them is enough")
	case a.SecretFile == "":
		return []byte(a.Secret), nil
	}
	text, err := os.ReadFile(a.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("auth.secret_file: %w", err)
	}
	return []byte(strings.TrimSpace(string(text))), nil
}

// TenantLimits are the bounds of a tenant; those of "*" hold for tenants that are
// not named.
func (c *Config) TenantLimits(tenant topics.Tenant) server.TenantLimits {
	if limits, ok := c.Tenants[tenant]; ok {
		return limits
	}
	return c.Tenants["*"]
}

// RetentionOf is how much history the topics of a type keep.
func (c *Config) RetentionOf(topicType string) statesync.Retention {
	if r, ok := c.Retention[topicType]; ok {
		return r
	}
	return c.Retention["*"]
}

// Declared says which types topics may have; nil: every one.
func (c *Config) Declared() func(topicType string) bool {
	if !c.Topics.Strict {
		return nil
	}
	return c.declares
}

func (c *Config) declares(topicType string) bool { return slices.Contains(c.Topics.Types, topicType) }

// Bounds of the limits that others rely on.
const (
	mostMessage = 1 << 20
	mostPayload = 512 << 10
	mostDrain   = 5 * time.Minute
)

// Check finds what is wrong beyond the form of single settings.
func (c *Config) Check() error {
	var faults []error
	most := func(path string, value, bound int) {
		if value > bound {
			faults = append(faults, fmt.Errorf("limits.%s is %d; at most %d", path, value, bound))
		}
	}
	most("message_bytes", c.Engine.MessageBytes, mostMessage)
	most("payload_bytes", c.Engine.PayloadBytes, mostPayload)
	most("in_flight", c.Engine.InFlight, topics.MaxInFlight)
	if c.Server.DrainWindow > mostDrain {
		faults = append(faults, fmt.Errorf("drain.window is %s; at most %s", c.Server.DrainWindow, mostDrain))
	}
	return errors.Join(append(faults, c.checkTypes()...)...)
}

// checkTypes finds what strict topics make pointless: a mistake in writing, or one
// that would be noticed only when clients are refused.
func (c *Config) checkTypes() []error {
	if !c.Topics.Strict {
		return nil
	}
	var faults []error
	if len(c.Topics.Types) == 0 {
		faults = append(faults, errors.New("topics.strict is set, and topics.types declares nothing; name the types there, such as [gift-list, doc]"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Retention)) {
		if reserved := topics.Name(name + ":x").Reserved(); name != "*" && !reserved && !c.declares(name) {
			faults = append(faults, fmt.Errorf("retention.%s is about a type that topics.types does not declare", name))
		}
	}
	return faults
}
