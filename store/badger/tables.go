package badger

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/ristretto/v2/z"
)

// checkTables opens and verifies every table in Badger's directory before Badger
// does: Badger leaves out a table whose checksum is wrong, and ends the process
// over one whose index is. It returns the paths of the damaged ones.
func checkTables(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return nil, err
	}
	var damaged []string
	for _, path := range paths {
		if err := checkTable(path); err != nil {
			damaged = append(damaged, path)
		}
	}
	slices.Sort(damaged)
	return damaged, nil
}

func checkTable(path string) (err error) {
	if st, err := os.Stat(path); err != nil || st.Size() < minTableBytes {
		return fmt.Errorf("table %s is too short", path)
	}
	file, err := z.OpenMmapFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("table %s: %v", path, p)
		}
		_ = file.Close(-1)
	}()
	// The table is not closed: that would remove its file.
	_, err = table.OpenTable(file, table.Options{
		ReadOnly: true, BlockSize: 4 << 10, Compression: options.Snappy, ChkMode: options.OnTableRead,
	})
	return err
}

// minTableBytes is what the footer of a table takes at least.
const minTableBytes = 16
