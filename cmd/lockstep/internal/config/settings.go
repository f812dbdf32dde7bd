package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
	"github.com/lockstep-sync/lockstep/topics"
)

// setting is one thing that can be set.
type setting struct {
	path   string // as in the file
	secret bool   // never printed
	list   bool   // it has any number of values; with commas between in the environment
	set    func(texts []string) error
	get    func() string // what it is now, in the file's spelling; empty: its default
}

// variable is the setting's name in the environment.
func (s setting) variable() string {
	return "LOCKSTEP_" + strings.ToUpper(strings.ReplaceAll(s.path, ".", "_"))
}

// settings is the table of all settings that have a fixed path.
func (c *Config) settings() []setting {
	list := []setting{
		text("listen", &c.Listen), text("admin_listen", &c.AdminListen), text("data", &c.Data), value("dev", &c.Dev, strconv.ParseBool),
		{
			path: "store.durability", get: func() string { return c.Store.Durability.String() },
			set: single(func(t string) (err error) { c.Store.Durability, err = badger.ParseDurability(t); return err }),
		},
		value("store.scrub", &c.Store.Scrub, duration), value("store.min_free", &c.Store.MinFree, whole),
		texts("origins", &c.Origins), networks("trusted_proxies", &c.TrustedProxies),
		value("topics.strict", &c.Topics.Strict, strconv.ParseBool), words("topics.types", &c.Topics.Types, checkType),
		text("auth.secret", &c.Auth.Secret), text("auth.secret_file", &c.Auth.SecretFile), texts("auth.public_keys", &c.Auth.PublicKeys),
		text("auth.issuer", &c.Auth.Issuer), text("auth.audience", &c.Auth.Audience), value("auth.query_tokens", &c.Auth.QueryTokens, strconv.ParseBool),
		{
			path: "log.level", get: func() string { return strings.ToLower(c.LogLevel.String()) },
			set: single(func(t string) error { return c.LogLevel.UnmarshalText([]byte(t)) }),
		},
		value("drain.window", &c.Server.DrainWindow, duration),
	}
	for i := range list {
		list[i].secret = list[i].path == "auth.secret"
	}
	list = append(list, limits(&c.Engine)...)
	return append(list, limits(&c.Server, "DrainWindow")...)
}

// limits makes a setting of every limit in a struct: limits.payload_bytes of
// PayloadBytes.
func limits(of any, without ...string) []setting {
	fields := reflect.ValueOf(of).Elem()
	var list []setting
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		if slices.Contains(without, name) {
			continue
		}
		path := "limits." + snake(name)
		switch field := fields.Field(i).Addr().Interface().(type) {
		case *int:
			list = append(list, value(path, field, whole))
		case *time.Duration:
			list = append(list, value(path, field, duration))
		}
	}
	return list
}

func text(path string, at *string) setting {
	return setting{path: path, get: func() string { return *at }, set: single(func(t string) error {
		*at = t
		return nil
	})}
}

func texts(path string, at *[]string) setting {
	return setting{path: path, list: true, get: func() string { return strings.Join(*at, ",") }, set: func(list []string) error {
		*at = list
		return nil
	}}
}

// words is texts, each of which has to pass check.
func words(path string, at *[]string, check func(string) error) setting {
	s := texts(path, at)
	s.set = func(list []string) error {
		for _, word := range list {
			if err := check(word); err != nil {
				return err
			}
		}
		*at = list
		return nil
	}
	return s
}

// networks is a list of networks, or of single addresses.
func networks(path string, at *[]netip.Prefix) setting {
	get := func() string {
		var list []string
		for _, n := range *at {
			list = append(list, n.String())
		}
		return strings.Join(list, ",")
	}
	return setting{path: path, list: true, get: get, set: func(texts []string) error {
		var list []netip.Prefix
		for _, text := range texts {
			n, err := network(text)
			if err != nil {
				return err
			}
			list = append(list, n)
		}
		*at = list
		return nil
	}}
}

func network(text string) (netip.Prefix, error) {
	n, err := netip.ParsePrefix(text)
	if single, isAddress := netip.ParseAddr(text); isAddress == nil && single.Zone() == "" {
		n, err = netip.PrefixFrom(single, single.BitLen()), nil
	}
	switch {
	case err != nil || n.Addr().Is4In6():
		return n, fmt.Errorf("%q must be a network or an address, such as 10.0.0.0/8 or fd00::1", text)
	case n.Bits() == 0:
		return n, fmt.Errorf("%s is everybody; who is trusted here can pass for any address, so name the proxies only", text)
	}
	return n.Masked(), nil
}

func checkType(name string) error {
	if _, err := topics.ParseName(name + ":x"); err != nil {
		return fmt.Errorf("%q is no topic type; one is letters, digits, _ and -, such as gift-list", name)
	}
	return nil
}

func value[T comparable](path string, at *T, parse func(string) (T, error)) setting {
	get := func() string {
		var zero T
		if _, either := any(zero).(bool); !either && *at == zero {
			return ""
		}
		return fmt.Sprint(*at)
	}
	return setting{path: path, get: get, set: single(func(t string) error {
		v, err := parse(t)
		if err == nil {
			*at = v
		}
		return err
	})}
}

// single takes exactly one text.
func single(set func(string) error) func([]string) error {
	return func(list []string) error {
		if len(list) != 1 {
			return fmt.Errorf("is a list of %d; one value is wanted", len(list))
		}
		return set(list[0])
	}
}

func whole(t string) (int, error) {
	n, err := strconv.Atoi(t)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q must be a whole number above 0", t)
	}
	return n, nil
}

func duration(t string) (time.Duration, error) {
	d, err := time.ParseDuration(t)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q must be a time such as 500ms, 10s or 1h", t)
	}
	return d, nil
}

// snake writes PayloadBytes as payload_bytes.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// groups are the settings whose paths hold a name: tenants.acme.rate.
var groups = []string{"tenants", "retention"}

// group makes the settings of one name in a group.
func (c *Config) group(group, name string) ([]setting, func(), error) {
	if group == "tenants" {
		tenant := topics.Tenant(name)
		if _, err := topics.ParseTenant(name); err != nil && name != "*" {
			return nil, nil, fmt.Errorf("is no tenant: %w", err)
		}
		limits := c.Tenants[tenant]
		return []setting{
			value("max_connections", &limits.MaxConnections, whole), value("rate", &limits.Rate, whole),
		}, func() { c.Tenants[tenant] = limits }, nil
	}
	if err := checkType(name); err != nil && name != "*" {
		return nil, nil, fmt.Errorf("is for no type of topics: %w", err)
	}
	r := c.Retention[name]
	return retention(&r), func() { c.Retention[name] = r }, nil
}

func retention(r *statesync.Retention) []setting {
	return []setting{
		value("events", &r.Events, func(t string) (uint64, error) {
			n, err := whole(t)
			return uint64(n), err //nolint:gosec // above 0
		}),
		value("age", &r.Age, duration), value("tombstones", &r.Tombstones, duration),
		value("forever", &r.Forever, strconv.ParseBool),
	}
}
