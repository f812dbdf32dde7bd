package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/server"
	"github.com/lockstep-sync/lockstep/store/badger"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

const example = `# a server
listen: 0.0.0.0:7001
data: /var/lib/lockstep
store: {durability: async, scrub: 6h, min_free: 1000}
origins: [https://app.example, "https://*.app.example"]
trusted_proxies: [10.1.2.3/8, "fd00::1"]
auth:
  secret: 0123456789abcdef0123456789abcdef
  audience: lockstep
  query_tokens: false
topics:
  strict: true
  types: [quakes, doc]
drain:
  window: 20s
log:
  level: warn
limits:
  payload_bytes: 65536
  wait: 10s
tenants:
  acme: {max_connections: 10, rate: 100}
  "*":
    rate: 5
retention:
  quakes: {events: 100000, age: 24h}
  doc: {forever: true}
`

func TestReadFile(t *testing.T) {
	c := New()
	if err := c.readText("lockstep.yaml", []byte(example)); err != nil {
		t.Fatal(err)
	}
	want := New()
	want.Listen, want.Data = "0.0.0.0:7001", "/var/lib/lockstep"
	want.Store = Store{Durability: badger.Async, Scrub: 6 * time.Hour, MinFree: 1000}
	want.Origins = []string{"https://app.example", "https://*.app.example"}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")}
	want.Auth = Auth{Secret: "0123456789abcdef0123456789abcdef", Audience: "lockstep"}
	want.Topics = Topics{Strict: true, Types: []string{"quakes", "doc"}}
	want.Server.DrainWindow, want.Server.Wait = 20*time.Second, 10*time.Second
	want.LogLevel = 4
	want.Engine.PayloadBytes = 65536
	want.Tenants["acme"] = server.TenantLimits{MaxConnections: 10, Rate: 100}
	want.Tenants["*"] = server.TenantLimits{Rate: 5}
	want.Retention["quakes"] = statesync.Retention{Events: 100_000, Age: 24 * time.Hour}
	want.Retention["doc"] = statesync.Retention{Forever: true}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
	if got := c.TenantLimits("other"); got.Rate != 5 {
		t.Errorf("a tenant without a name of its own has %+v", got)
	}
	if got := c.RetentionOf("task"); got != (statesync.Retention{}) {
		t.Errorf("a type without a name of its own keeps %+v", got)
	}
}

// What is wrong is named with its place.
func TestReadFileRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"lisen: x":                             "f:1:1: lisen is not a setting; there are listen, admin_listen, data,",
		"data: d\nauth:\n  secrt: x":           "f:3:3: auth.secrt is not a setting; there are secret, secret_file,",
		"data: d\ndata: e":                     "f:2:1: data stands in line 1 already",
		"data: [a, b]":                         "f:1:7: data: is a list of 2; one value is wanted",
		"data: {a: b}":                         "f:1:7: data must be a value",
		"dev: perhaps":                         "f:1:6: dev: strconv.ParseBool",
		"auth: secret":                         "f:1:7: auth must hold settings, each as name: value",
		"- a":                                  "f:1:1: the file must hold settings",
		"limits:\n  wait: ten":                 `f:2:9: limits.wait: "ten" must be a time such as 500ms`,
		"limits:\n  values: -1":                `f:2:11: limits.values: "-1" must be a whole number above 0`,
		"limits:\n  valus: 1":                  "f:2:3: limits.valus is not a setting; there are message_bytes,",
		"log:\n  level: loud":                  "f:2:10: log.level: ",
		"origins: [{a: b}]":                    "f:1:11: origins must be a list of plain values",
		"tenants:\n  Acme: {rate: 1}":          "f:2:3: tenants.Acme is no tenant",
		"tenants:\n  acme: {rte: 1}":           "f:2:10: tenants.acme.rte is not a setting; there are max_connections, rate",
		"tenants:\n  acme: {rate: 1, rate: 2}": "rate stands in line 2 already",
		"retention:\n  a:b: {events: 1}":       `f:2:3: retention.a:b is for no type of topics: "a:b" is no topic type`,
		"topics:\n  types: [doc, 'a:b']":       `f:2:10: topics.types: "a:b" is no topic type; one is letters`,
		"topics:\n  strict: [true, false]":     "f:2:11: topics.strict: is a list of 2; one value is wanted",
		"topics:\n  strickt: true":             "f:2:3: topics.strickt is not a setting; there are strict, types",
		"retention:\n  doc: {events: some}":    `f:2:17: retention.doc.events: "some" must be a whole number`,
		"store:\n  durability: never":          `f:2:15: store.durability: "never" must be sync or async`,
		"trusted_proxies: 10.0.0.0/33":         `f:1:18: trusted_proxies: "10.0.0.0/33" must be a network or an address, such as 10.0.0.0/8`,
		"trusted_proxies: [a.example]":         `f:1:18: trusted_proxies: "a.example" must be`,
		"trusted_proxies: [0.0.0.0/0]":         "f:1:18: trusted_proxies: 0.0.0.0/0 is everybody",
		"trusted_proxies: ['::/0']":            "f:1:18: trusted_proxies: ::/0 is everybody",
		"trusted_proxies: ['::ffff:10.0.0.1']": "must be a network",
		"trusted_proxies: ['fe80::1%eth0']":    "must be a network",
		"a: b: c":                              "f: yaml:",
	} {
		if err := New().readText("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"", "# nothing", "auth:\n", "---\n"} {
		if err := New().readText("f", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Every setting has a place in the environment, which wins over the file.
func TestReadEnvironment(t *testing.T) {
	env := map[string]string{
		"LOCKSTEP_LISTEN": "127.0.0.1:1", "LOCKSTEP_ORIGINS": "https://a.example,https://b.example", "LOCKSTEP_DEV": "true", "LOCKSTEP_TRUSTED_PROXIES": "10.0.0.1,fd00::/8",
		"LOCKSTEP_TOPICS_STRICT": "true", "LOCKSTEP_TOPICS_TYPES": "doc,task",
		"LOCKSTEP_AUTH_ISSUER": "me", "LOCKSTEP_LIMITS_USER_SESSIONS": "7", "LOCKSTEP_DRAIN_WINDOW": "1s",
		"LOCKSTEP_TENANTS": "{acme: {rate: 3}}", "LOCKSTEP_RETENTION": "{'*': {age: 2h}}",
	}
	c := New()
	if err := c.readText("f", []byte("listen: 127.0.0.1:2\ndata: d")); err != nil {
		t.Fatal(err)
	}
	if err := c.ReadEnvironment(func(name string) string { return env[name] }); err != nil {
		t.Fatal(err)
	}
	want := New()
	want.Listen, want.Data, want.Dev = "127.0.0.1:1", "d", true
	want.Origins = []string{"https://a.example", "https://b.example"}
	want.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("fd00::/8")}
	want.Auth.Issuer = "me"
	want.Topics = Topics{Strict: true, Types: []string{"doc", "task"}}
	want.Server.UserSessions, want.Server.DrainWindow = 7, time.Second
	want.Tenants["acme"] = server.TenantLimits{Rate: 3}
	want.Retention["*"] = statesync.Retention{Age: 2 * time.Hour}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
	for name, want := range map[string]string{
		"LOCKSTEP_LIMITS_WAIT=x": "LOCKSTEP_LIMITS_WAIT: ", "LOCKSTEP_TENANTS={a: {b: 1}}": "LOCKSTEP_TENANTS:1:6: tenants.a.b is not a setting",
		"LOCKSTEP_RETENTION={": "LOCKSTEP_RETENTION: ",
	} {
		variable, text, _ := strings.Cut(name, "=")
		err := New().ReadEnvironment(func(name string) string {
			if name == variable {
				return text
			}
			return ""
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// Every limit there is can be set, by a path of its own.
func TestEveryLimitIsASetting(t *testing.T) {
	paths := make(map[string]bool)
	for _, s := range New().settings() {
		if paths[s.path] {
			t.Errorf("%s is there twice", s.path)
		}
		paths[s.path] = true
	}
	for _, of := range []reflect.Type{reflect.TypeFor[statesync.Limits](), reflect.TypeFor[server.Limits]()} {
		for field := range of.Fields() {
			path := "limits." + snake(field.Name)
			if path == "limits.drain_window" {
				path = "drain.window"
			}
			if !paths[path] {
				t.Errorf("%s.%s has no setting", of, field.Name)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	c := New()
	c.Engine.MessageBytes, c.Engine.InFlight = 2<<20, 65
	err := c.Check()
	if err == nil || !strings.Contains(err.Error(), "limits.message_bytes is 2097152; at most 1048576") || !strings.Contains(err.Error(), "limits.in_flight is 65; at most 64") {
		t.Error(err)
	}
	if err := New().Check(); err != nil {
		t.Error(err)
	}
}

// Strict topics that declare nothing, or less than is spoken of, are a mistake.
func TestStrictTopics(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"topics: {types: [doc]}": "",
		"topics: {strict: true}": "topics.types declares nothing",
		"topics: {strict: true, types: [doc]}\nretention: {doc: {events: 1}, user: {events: 1}, '*': {events: 1}}": "",
		"topics: {strict: true, types: [doc]}\nretention: {task: {events: 1}}":                                     "retention.task is about a type that topics.types does not declare",
	} {
		c := New()
		if err := c.readText("f", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := c.Check(); want == "" && err != nil || want != "" && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	c := New()
	c.Topics.Types = []string{"doc"}
	if c.Declared() != nil {
		t.Error("types are declared, and hold without strict")
	}
	c.Topics.Strict = true
	if declared := c.Declared(); !declared("doc") || declared("dok") {
		t.Error("what is declared is not what the file says")
	}
}

func TestAuthenticator(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("  0123456789abcdef0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		set  func(*Config)
		want string
	}{
		"dev":              {func(c *Config) { c.Dev = true }, ""},
		"a secret":         {func(c *Config) { c.Auth.Secret = strings.Repeat("s", 32) }, ""},
		"a file":           {func(c *Config) { c.Auth.SecretFile = file }, ""},
		"nothing":          {func(*Config) {}, "there is no key to check tokens with"},
		"a short secret":   {func(c *Config) { c.Auth.Secret = "short" }, "auth: the secret is too short"},
		"two secrets":      {func(c *Config) { c.Auth.Secret, c.Auth.SecretFile = "a", "b" }, "are both set"},
		"no file":          {func(c *Config) { c.Auth.SecretFile = file + "x" }, "auth.secret_file: "},
		"no key":           {func(c *Config) { c.Auth.PublicKeys = []string{file} }, "auth.public_keys: "},
		"no file of a key": {func(c *Config) { c.Auth.PublicKeys = []string{file + "x"} }, "auth.public_keys: "},
	} {
		c := New()
		tc.set(c)
		_, err := c.Authenticator()
		if fmt.Sprint(err) != "<nil>" && tc.want == "" || tc.want != "" && !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// What is set is shown, and secrets are not.
func TestLines(t *testing.T) {
	c := New()
	if lines := c.Lines(); len(lines) != 0 {
		t.Errorf("nothing is set, and shown is %v", lines)
	}
	if err := c.readText("f", []byte(example)); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(c.Lines())
	for _, want := range []string{
		"{listen 0.0.0.0:7001}", "{auth.secret (set)}", "{auth.query_tokens false}", "{drain.window 20s}", "{log.level warn}", "{limits.payload_bytes 65536}",
		"{trusted_proxies 10.0.0.0/8,fd00::1/128}", "{topics.strict true}", "{topics.types quakes,doc}", "{tenants.*.rate 5} {tenants.acme.max_connections 10} {tenants.acme.rate 100} {retention.doc.forever true} {retention.quakes.events 100000} {retention.quakes.age 24h0m0s}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if strings.Contains(text, "0123456789") {
		t.Error("the secret is shown")
	}
}
