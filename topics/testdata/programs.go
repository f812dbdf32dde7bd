package testdata

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Program is the path of a program that others wrote and the test runs: the first of
// names that is installed. The test is skipped, or in CI failed, when none is; remedy
// says how to install one.
func Program(t testing.TB, remedy string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "%s is not installed; %s", names[0], remedy)
	return ""
}

// Chromium is the path of the browser: $CHROMIUM, or the first there is.
func Chromium(t testing.TB) string {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if named := os.Getenv("CHROMIUM"); named != "" {
		names = []string{named}
	}
	return Program(t, "run clientjs/scripts/chromium.sh, which looks further and installs Debian's", names...)
}

// NPM is the folder in which node finds an npm package of the client's development.
func NPM(t testing.TB, name string) string {
	t.Helper()
	root, _ := moduleRoot()
	folder := filepath.Join(root, "clientjs")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", name)); err != nil {
		missing(t, "the npm package %s is not installed; run npm ci in clientjs", name)
	}
	return folder
}

// missing ends a test that lacks something: it is skipped, but in CI it fails, or
// nobody would notice that it never runs.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
