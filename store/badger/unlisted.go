package badger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	bdg "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"
)

// unlistedSuffix names second links to tables that Badger's manifest does not list.
// Badger removes such tables when it opens: rightly after a crash, and fatally when
// the manifest lost its end. The links outlive that until the opening is proven.
const unlistedSuffix = ".unlisted"

// keepUnlisted links the tables that Badger is about to remove, and gives back those
// that the manifest lists again: somebody has restored it.
func keepUnlisted(dir string, opts bdg.Options) error {
	listed, err := listedTables(dir, opts)
	if err != nil {
		return err
	}
	if err := eachUnlisted(dir, func(link string) error {
		path := strings.TrimSuffix(link, unlistedSuffix)
		id, _ := table.ParseFileID(filepath.Base(path))
		if _, known := listed[id]; !known {
			return nil
		}
		return restoreLink(link)
	}); err != nil {
		return err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		id, ok := table.ParseFileID(filepath.Base(path))
		if _, known := listed[id]; !ok || known {
			continue
		}
		if err := os.Link(path, path+unlistedSuffix); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// listedTables are the tables of the manifest; none when it cannot be read, which
// Badger then says itself.
func listedTables(dir string, opts bdg.Options) (map[uint64]bdg.TableManifest, error) {
	f, err := os.Open(filepath.Join(dir, bdg.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, _, err := bdg.ReplayManifestFile(f, 0, opts)
	if err != nil {
		return nil, nil //nolint:nilerr // every table is kept then
	}
	return m.Tables, nil
}

// dropUnlisted removes the links: the opening is proven, nothing is missing.
func dropUnlisted(dir string) error {
	return eachUnlisted(dir, os.Remove)
}

// restoreUnlisted gives all links the names of tables again.
func restoreUnlisted(dir string) error { return eachUnlisted(dir, restoreLink) }

// restoreLink makes a link a table again, where Badger has removed that.
func restoreLink(link string) error {
	if err := os.Link(link, strings.TrimSuffix(link, unlistedSuffix)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Remove(link)
}

func hasUnlisted(dir string) bool {
	links, err := filepath.Glob(filepath.Join(dir, "*.sst"+unlistedSuffix))
	return err == nil && len(links) > 0
}

func eachUnlisted(dir string, do func(link string) error) error {
	links, err := filepath.Glob(filepath.Join(dir, "*.sst"+unlistedSuffix))
	for _, link := range links {
		err = errors.Join(err, do(link))
	}
	return err
}
