package config

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/server"
	statesync "github.com/lockstep-sync/lockstep/sync"
)

// specRow is a row of the table of settings: `path` | `VARIABLE` | `default` | what.
var specRow = regexp.MustCompile("(?m)^\\| `([a-z_.A-Z]+)` \\| `(LOCKSTEP_[A-Z_]+)` \\| (?:`([^`]*)`)? ?\\| \\S.* \\|$")

// SPEC.md and the table of settings say the same: every setting, its variable and its
// default.
func TestSpecHasEverySetting(t *testing.T) {
	text, err := fs.ReadFile(conformance.Files, "SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ variable, byDefault string }
	spec := make(map[string]row)
	for _, m := range specRow.FindAllStringSubmatch(string(text), -1) {
		if _, twice := spec[m[1]]; twice {
			t.Errorf("SPEC.md has %s twice", m[1])
		}
		spec[m[1]] = row{m[2], m[3]}
	}
	for _, s := range everySetting(t) {
		want := row{s.variable(), s.get()}
		got, there := spec[s.path]
		delete(spec, s.path)
		if variable, _, grouped := strings.Cut(want.variable, "_NAME_"); grouped {
			want.variable = variable
		} else if variable, _, grouped := strings.Cut(want.variable, "_TYPE_"); grouped {
			want.variable = variable
		}
		if !there || got != want {
			t.Errorf("SPEC.md (C-2) has %+v for %s; want the row\n| `%s` | `%s` | `%s` | what it is |", got, s.path, s.path, want.variable, want.byDefault)
		}
	}
	for path := range spec {
		t.Errorf("SPEC.md (C-2) has %s, which is not a setting", path)
	}
}

// everySetting is the table with all defaults filled in. A setting in a group has NAME
// or TYPE for the name.
func everySetting(t *testing.T) []setting {
	t.Helper()
	c := New()
	c.Engine, c.Server = statesync.DefaultLimits(), server.DefaultLimits()
	kept := statesync.DefaultRetention()
	list := c.settings()
	tenant, _, err := c.group("tenants", "acme")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tenant {
		s.path = "tenants.NAME." + s.path
		list = append(list, s)
	}
	for _, s := range retention(&kept) {
		s.path = "retention.TYPE." + s.path
		list = append(list, s)
	}
	if len(groups) != 2 {
		t.Errorf("there are the groups %v; which settings do the others have?", groups)
	}
	return list
}
