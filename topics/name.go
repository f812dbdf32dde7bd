package topics

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of names. A longer one is refused, never cut.
const (
	MaxNameBytes     = 200 // of a topic name, type and colon included
	MaxEntityIDBytes = 200 // of an entity id
	MaxTenantBytes   = 64
	MaxClientBytes   = 64 // of a client id, which names a lane
	MaxEventBytes    = 64 // of an event or mutator name
	MaxUserBytes     = 128
	MaxTraceBytes    = 128 // of a trace id
)

// Reserved topic types: only literal grants cover them.
const (
	TypeUser   = "user"   // user:<id>: readable by that user only
	TypeSystem = "system" // system:broadcast: every session of the tenant
)

// Broadcast is the topic every authenticated session of a tenant may read.
const Broadcast Name = "system:broadcast"

// Name is a well-formed topic name, "type:identifier".
type Name string

// ParseName returns s as a Name, or invalid_topic. A type is
// [a-zA-Z][A-Za-z0-9_-]*, an identifier [A-Za-z0-9._~-]+ but not "." or "..",
// the whole at most [MaxNameBytes].
func ParseName(s string) (Name, error) {
	if len(s) > MaxNameBytes {
		return "", Errorf(CodeInvalidTopic, "topic", "is %d bytes long; a topic name has at most %d", len(s), MaxNameBytes)
	}
	typ, id, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return "", Errorf(CodeInvalidTopic, "topic", "%q has no colon; write type:identifier, such as gift-list:123", clip(s))
	case !isType(typ):
		return "", Errorf(CodeInvalidTopic, "topic", "has the type %q, which must begin with a letter and go on with letters, digits, _ or -", clip(typ))
	case !isIdentifier(id):
		return "", Errorf(CodeInvalidTopic, "topic", "has the identifier %q, which must be letters, digits, . _ ~ or -, and not . or ..", clip(id))
	}
	return Name(s), nil
}

// Type is the part before the colon.
func (n Name) Type() string {
	typ, _, _ := strings.Cut(string(n), ":")
	return typ
}

// Identifier is the part after the colon.
func (n Name) Identifier() string {
	_, id, _ := strings.Cut(string(n), ":")
	return id
}

// Reserved reports whether n belongs to the engine's own types, user: and system:.
func (n Name) Reserved() bool {
	t := n.Type()
	return t == TypeUser || t == TypeSystem
}

// UserTopic is the topic of one user's own notifications. Bytes of id outside the
// alphabet of identifiers, and ~ itself, are escaped as ~hh, so that different
// users never share a topic.
func UserTopic(id string) (Name, error) {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteString(TypeUser + ":")
	for i := range len(id) {
		c := id[i]
		dots := (id == "." || id == "..")
		if isIdentifierByte(c) && c != '~' && !dots {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('~')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return ParseName(b.String())
}

// Tenant is the isolation boundary every topic lives in: [a-z0-9-]{1,64}.
type Tenant string

// DefaultTenant is where topics live when nobody names a tenant.
const DefaultTenant Tenant = "default"

// ParseTenant returns s as a Tenant, or invalid.
func ParseTenant(s string) (Tenant, error) {
	if len(s) == 0 || len(s) > MaxTenantBytes || !all(s, isTenantByte) {
		return "", Errorf(CodeInvalid, "tenant", "%q must be 1 to %d of a-z, 0-9 and -", clip(s), MaxTenantBytes)
	}
	return Tenant(s), nil
}

// CheckEntityID refuses an id that is empty, longer than [MaxEntityIDBytes], not
// UTF-8, or that holds a character without a printed form (space is allowed).
func CheckEntityID(id string) error {
	switch {
	case id == "":
		return Errorf(CodeInvalid, "entity_id", "is empty; name the entity to change")
	case len(id) > MaxEntityIDBytes:
		return Errorf(CodeInvalid, "entity_id", "is %d bytes long; at most %d", len(id), MaxEntityIDBytes)
	case !printable(id):
		return Errorf(CodeInvalid, "entity_id", "%q must be printable UTF-8", clip(id))
	}
	return nil
}

// CheckClient refuses a client id that is empty, too long or unprintable.
func CheckClient(id string) error {
	if id == "" || len(id) > MaxClientBytes || !printable(id) {
		return Errorf(CodeInvalid, "client", "%q must be 1 to %d bytes of printable UTF-8", clip(id), MaxClientBytes)
	}
	return nil
}

// CheckUser refuses a user id that is empty, too long or unprintable.
func CheckUser(id string) error {
	if id == "" || len(id) > MaxUserBytes || !printable(id) {
		return Errorf(CodeInvalid, "user", "%q must be 1 to %d bytes of printable UTF-8", clip(id), MaxUserBytes)
	}
	return nil
}

// CheckTrace refuses a trace id that is too long or unprintable: it stands in every
// event of its mutation.
func CheckTrace(id string) error {
	if len(id) > MaxTraceBytes || !printable(id) {
		return Errorf(CodeInvalid, "trace_id", "%q must be at most %d bytes of printable UTF-8", clip(id), MaxTraceBytes)
	}
	return nil
}

// CheckEventName refuses an event name that is not letters, digits, . _ : or -.
func CheckEventName(name string) error { return checkLabel("event", name) }

// CheckMutatorName refuses a mutator name by the same rule.
func CheckMutatorName(name string) error { return checkLabel("name", name) }

func checkLabel(field, name string) error {
	if name == "" || len(name) > MaxEventBytes || !all(name, isEventByte) {
		return Errorf(CodeInvalid, field, "%q must be 1 to %d letters, digits, . _ : or -", clip(name), MaxEventBytes)
	}
	return nil
}

func isType(s string) bool {
	return s != "" && isLetter(s[0]) && all(s, func(c byte) bool { return isAlnum(c) || c == '_' || c == '-' })
}

func isIdentifier(s string) bool {
	return s != "" && s != "." && s != ".." && all(s, isIdentifierByte)
}

func isIdentifierByte(c byte) bool {
	return isAlnum(c) || c == '.' || c == '_' || c == '~' || c == '-'
}

func isEventByte(c byte) bool {
	return isAlnum(c) || c == '.' || c == '_' || c == ':' || c == '-'
}

func isTenantByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isAlnum(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' }

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// clip shortens what an error message quotes, at a rune boundary.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
