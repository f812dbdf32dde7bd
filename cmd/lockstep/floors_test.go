package main_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/lockstep-sync/lockstep"

// floors says what the code of each top-level folder may import of ours. A folder outside this table is not part of the
// house. Tests may look further down and up: they start servers, and they read the conformance files.
var floors = map[string][]string{
	"topics":      {"topics"},
	"store":       {"topics", "store"},
	"sync":        {"topics", "store", "sync"},
	"server":      {"topics", "sync", "server"}, // never store: everything passes through the engine
	"conformance": {"topics", "conformance"},
	"clientjs":    {},
	"cmd":         {"topics", "store", "sync", "server", "clientjs", "conformance", "cmd"},
}

// testFloors widens floors for test files. A folder that is absent here has no wider rights.
var testFloors = map[string][]string{
	"topics":      {"conformance"},
	"store":       {"conformance"},
	"sync":        {"conformance"},
	"server":      {"store", "conformance"},
	"conformance": {"store", "sync", "server", "cmd"},
}

// rooms says where a third-party module may be imported, as patterns of path.Match against the file, a folder standing
// for everything below it. A module outside this table has no room yet: choose one before importing it.
var rooms = map[string][]string{
	"github.com/cespare/xxhash":             {"store/badger", "sync"},
	"github.com/coder/websocket":            {"server/websocket*.go", "sync/client", "conformance"},
	"github.com/dgraph-io/badger":           {"store/badger"},
	"github.com/dgraph-io/ristretto":        {"store/badger"},
	"github.com/evanphx/json-patch":         {"topics/patch"},
	"github.com/golang-jwt/jwt":             {"server/jwt*.go", "cmd/lockstep/token*.go"},
	"github.com/hashicorp/golang-lru":       {"store/badger", "sync"},
	"github.com/prometheus/client_golang":   {"sync", "server", "cmd"},
	"github.com/santhosh-tekuri/jsonschema": {"conformance"},
	"github.com/spf13/cobra":                {"cmd"},
	"github.com/spf13/pflag":                {"cmd"},
	"github.com/tidwall/btree":              {"store/memory"},
	"github.com/tidwall/gjson":              {"sync/frame"},
	"go.yaml.in/yaml":                       {"cmd/lockstep/internal/config"},
	"golang.org/x/sync":                     {"store", "sync", "server", "conformance", "cmd"},
	"golang.org/x/sys":                      {"store/badger", "cmd/lockstep/internal/bench"},
	"google.golang.org/protobuf":            {"store/badger"},    // Badger's manifest
	"pgregory.net/rapid":                    {"store/storetest"}, // the contract suite, which tests import
}

// testRooms are the modules that tests may import, and where. Everything in rooms stays in its room in tests too.
var testRooms = map[string][]string{
	"github.com/anishathalye/porcupine": {"."},
	"github.com/coder/websocket":        {"server", "cmd"},
	"github.com/golang-jwt/jwt":         {"server", "cmd"},
	"github.com/rogpeppe/go-internal":   {"."},
	"go.uber.org/goleak":                {"."},
	"pgregory.net/rapid":                {"."},
}

// TestFloors holds the floor plan: a package imports only lower floors, and each third-party module stays in its room.
// It parses the files itself, because the test cache does not see what go list would read.
func TestFloors(t *testing.T) {
	for _, fault := range floorFaults(t, os.DirFS("../..")) {
		t.Error(fault)
	}
}

// TestFloorsFinds proves that the check above would notice.
func TestFloorsFinds(t *testing.T) {
	file := func(clause string, imports ...string) *fstest.MapFile {
		text := "package " + clause + "\n"
		for _, p := range imports {
			text += "import _ " + strconv.Quote(p) + "\n"
		}
		return &fstest.MapFile{Data: []byte(text)}
	}
	for name, tc := range map[string]struct {
		path string
		file *fstest.MapFile
		want string
	}{
		"a floor upwards":           {"topics/a.go", file("topics", module+"/sync"), "topics/a.go imports sync"},
		"server to store":           {"server/rows/a.go", file("rows", module+"/store/badger"), "server/rows/a.go imports store"},
		"a library out of its room": {"sync/a.go", file("statesync", "github.com/dgraph-io/badger/v4/y"), "sync/a.go imports github.com/dgraph-io/badger/v4/y"},
		"a library without a room":  {"cmd/x/a.go", file("main", "github.com/nobody/nothing"), "has no room"},
		"websocket in another file": {"server/poll.go", file("server", "github.com/coder/websocket"), "server/poll.go imports github.com/coder/websocket"},
		"the engine's clause":       {"sync/a.go", file("sync"), "sync/a.go says package sync"},
		"a second Go file":          {"clientjs/b.go", file("clientjs"), "clientjs/b.go"},
		"a new top-level folder":    {"util/a.go", file("util"), "util is not a folder of the house"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := floorFaults(t, fstest.MapFS{tc.path: tc.file})
			if len(faults) != 1 || !strings.Contains(faults[0], tc.want) {
				t.Errorf("got %q, want one fault with %q", faults, tc.want)
			}
		})
	}
	sound := fstest.MapFS{
		"server/websocket.go":                 file("server", "github.com/coder/websocket", module+"/sync", "net/http"),
		"server/a_test.go":                    file("server_test", module+"/store/memory", "go.uber.org/goleak"),
		"clientjs/embed.go":                   file("clientjs", "embed"),
		"clientjs/node_modules/flatted/x.go":  file("flatted", "github.com/nobody/nothing"),
		"conformance/adapter/go.mod":          {Data: []byte("module elsewhere\n")},
		"conformance/adapter/main.go":         file("main", "github.com/nobody/nothing"),
		"bin/lockstep":                        {},
		"store/badger/testdata/src/broken.go": {Data: []byte("not Go")},
		"cmd/lockstep/main.go":                file("main", module+"/clientjs", "github.com/spf13/cobra"),
	}
	if faults := floorFaults(t, sound); len(faults) != 0 {
		t.Errorf("a sound tree has faults: %q", faults)
	}
}

// floorFaults lists what in the tree breaks the floor plan, one line each.
func floorFaults(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var faults []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(tree, name, &faults)
		case path.Ext(name) == ".go":
			more, err := fileFaults(tree, name)
			faults = append(faults, more...)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// enter decides about a folder: what is not ours is skipped, and a top-level folder must be one of the house.
func enter(tree fs.FS, name string, faults *[]string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if base == "node_modules" || base == "testdata" || name == "bin" || strings.HasPrefix(base, ".") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir // a module of its own
	}
	if _, ok := floors[name]; !ok && !strings.Contains(name, "/") {
		*faults = append(*faults, name+" is not a folder of the house")
		return fs.SkipDir
	}
	return nil
}

// fileFaults lists what one Go file breaks.
func fileFaults(tree fs.FS, name string) ([]string, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var faults []string
	clause := strings.TrimSuffix(file.Name.Name, "_test")
	if path.Dir(name) == "sync" && clause != "statesync" {
		faults = append(faults, fmt.Sprintf("%s says package %s; the engine's package is statesync", name, clause))
	}
	if strings.HasPrefix(name, "clientjs/") && name != "clientjs/embed.go" {
		faults = append(faults, name+": embed.go is the only Go file of clientjs")
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if fault := importFault(name, imported); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults, nil
}

// importFault says what is wrong with one import of one file; empty when nothing is.
func importFault(name, imported string) string {
	inTest := strings.HasSuffix(name, "_test.go")
	if rest, ours := strings.CutPrefix(imported, module+"/"); ours {
		folder, _, _ := strings.Cut(name, "/")
		floor, _, _ := strings.Cut(rest, "/")
		if slices.Contains(floors[folder], floor) || inTest && slices.Contains(testFloors[folder], floor) {
			return ""
		}
		return fmt.Sprintf("%s imports %s; %s may import only %v", name, rest, folder, floors[folder])
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	allowed, known := roomsOf(rooms, imported)
	if inTest {
		more, knownToTests := roomsOf(testRooms, imported)
		allowed, known = append(slices.Clone(allowed), more...), known || knownToTests
	}
	if !known {
		return fmt.Sprintf("%s imports %s, which has no room; give it one in floors_test.go", name, imported)
	}
	if slices.ContainsFunc(allowed, func(room string) bool { return inRoom(name, room) }) {
		return ""
	}
	return fmt.Sprintf("%s imports %s, whose room is %v", name, imported, allowed)
}

// roomsOf finds the rooms of the module that an import path belongs to.
func roomsOf(table map[string][]string, imported string) ([]string, bool) {
	for module, allowed := range table {
		if imported == module || strings.HasPrefix(imported, module+"/") {
			return allowed, true
		}
	}
	return nil, false
}

// inRoom reports whether the file is in the room: below its folder, or matched by its pattern.
func inRoom(name, room string) bool {
	if room == "." || strings.HasPrefix(name, room+"/") {
		return true
	}
	matched, err := path.Match(room, name)
	return err == nil && matched
}
