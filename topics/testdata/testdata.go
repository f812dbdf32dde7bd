// Package testdata finds what tests need and the repository does not have: real
// inputs, which lie in ../shared/data beside the checkout or in $LOCKSTEP_TESTDATA, and
// programs that others wrote.
//
// In CI (CI=true) a test fails for which something is missing. Elsewhere it is
// skipped, with one line that says where to get it.
package testdata

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// The files.
const (
	Earthquakes = "earthquakes.geojson" // 1,707 features of one week, with unique ids
	Flights     = "flights-5k.json"     // 5,000 flights in time order
	Friends     = "friendsforever.json.gz"
)

// sources say where each file comes from.
var sources = map[string]string{
	Earthquakes: "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/all_week.geojson",
	Flights:     "https://github.com/vega/vega-datasets (data/flights-5k.json)",
	Friends:     "https://github.com/josephg/editing-traces (concurrent_traces/friendsforever.json.gz)",
}

// Path is where the file lies. The test is skipped, or in CI failed, when it lies nowhere.
func Path(t testing.TB, name string) string {
	t.Helper()
	for _, folder := range folders() {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	const remedy = "%s is not in ../shared/data nor in $LOCKSTEP_TESTDATA; get it from %s"
	missing(t, remedy, name, sources[name])
	return ""
}

// Open opens the file for the length of the test. The caller may close it earlier.
func Open(t testing.TB, name string) io.ReadCloser {
	t.Helper()
	file, err := os.Open(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// folders are the places to look, the one that was named first.
func folders() []string {
	var list []string
	if named := os.Getenv("LOCKSTEP_TESTDATA"); named != "" {
		list = append(list, named)
	}
	if root, ok := moduleRoot(); ok {
		list = append(list, filepath.Join(root, "..", "shared", "data"))
	}
	return list
}

// moduleRoot is the closest folder above the test's that holds a go.mod.
func moduleRoot() (string, bool) {
	folder, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, true
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", false
		}
		folder = parent
	}
}
