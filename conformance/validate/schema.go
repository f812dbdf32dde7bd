package validate

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/topics"
)

// base is what the names of all schemas begin with.
const base = "https://github.com/lockstep-sync/lockstep/schemas/v1/"

// library is the schemas, compiled once.
type library struct {
	compiled map[string]*jsonschema.Schema // by name, such as client/mutate
	texts    map[string]any                // by URL, as they were read: for their rules
}

var schemas = sync.OnceValue(load)

// load compiles all schemas. They are part of the program: one that does not compile
// is a mistake of ours.
func load() *library {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, parse := range formats {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: parse})
	}
	l := &library{compiled: make(map[string]*jsonschema.Schema), texts: make(map[string]any)}
	err := fs.WalkDir(conformance.Files, "schemas", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(conformance.Files, path)
		if err != nil {
			return err
		}
		url := base + strings.TrimPrefix(path, "schemas/")
		if l.texts[url], err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
			return err
		}
		return c.AddResource(url, l.texts[url])
	})
	if err != nil {
		panic("validate: the schemas cannot be read: " + err.Error())
	}
	for url := range l.texts {
		l.compiled[strings.TrimSuffix(strings.TrimPrefix(url, base), ".json")] = c.MustCompile(url)
	}
	return l
}

// known reports whether there is a schema of that name.
func known(name string) bool { return schemas().compiled[name] != nil }

// formats hold a name to its parser: bytes are counted, and integers are read as
// they are written.
var formats = map[string]func(any) error{
	"lockstep-topic":      text(func(s string) error { _, err := topics.ParseName(s); return err }),
	"lockstep-tenant":     text(func(s string) error { _, err := topics.ParseTenant(s); return err }),
	"lockstep-entity-id":  text(topics.CheckEntityID),
	"lockstep-client":     text(topics.CheckClient),
	"lockstep-event-name": text(topics.CheckEventName),
	"lockstep-epoch":      text(func(s string) error { _, err := topics.ParseEpoch(s); return err }),
	"lockstep-position":   text(func(s string) error { _, err := topics.ParsePosition(s); return err }),
	"lockstep-timestamp":  text(checkTime),
	"lockstep-version":    checkWhole,
}

// text makes a format of a check of strings; what is none is the type's business.
func text(check func(string) error) func(any) error {
	return func(v any) error {
		s, ok := v.(string)
		if !ok {
			return nil
		}
		if err := check(s); err != nil {
			return reason(err)
		}
		return nil
	}
}

func checkWhole(v any) error {
	n, ok := v.(json.Number)
	if !ok {
		return nil
	}
	if _, err := topics.ParseVersion(n.String()); err != nil {
		return reason(err)
	}
	return nil
}
