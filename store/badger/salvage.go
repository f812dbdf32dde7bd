package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	bdg "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"google.golang.org/protobuf/proto"
)

// setAside is the suffix of files that were damaged and are not used any more.
const setAside = ".damaged"

// salvage prepares a damaged directory so that Badger opens what is left of it:
// only under AcceptLoss. Nothing is deleted; damaged files are set aside.
func salvage(dir string, damaged []string) error {
	if err := errors.Join(putAside(damaged...), restoreUnlisted(dir)); err != nil {
		return err
	}
	damaged, err := checkTables(dir) // the restored ones among them
	if err := errors.Join(err, putAside(damaged...)); err != nil {
		return err
	}
	// The value log holds nothing: every record is below its threshold.
	if err := putAsideAll(dir, "*.vlog"); err != nil {
		return err
	}
	// Without encryption the registry of keys is empty: Badger makes a new one.
	registry := filepath.Join(dir, bdg.KeyRegistryFileName)
	if err := os.Rename(registry, registry+setAside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return rebuildManifest(dir)
}

// putAsideAll sets the files aside that match.
func putAsideAll(dir, pattern string) error {
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	return errors.Join(err, putAside(paths...))
}

func putAside(paths ...string) error {
	for _, path := range paths {
		if err := os.Rename(path, path+setAside); err != nil {
			return err
		}
	}
	return nil
}

// rebuildManifest lists every table that is there in the lowest level, where Badger
// allows any overlap. Versions, which are in the keys, still tell new from old.
func rebuildManifest(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return err
	}
	var set pb.ManifestChangeSet
	for _, path := range paths {
		if id, ok := table.ParseFileID(filepath.Base(path)); ok {
			set.Changes = append(set.Changes, &pb.ManifestChange{
				Id: id, Op: pb.ManifestChange_CREATE, EncryptionAlgo: pb.EncryptionAlgo_aes, Compression: uint32(options.Snappy),
			})
		}
	}
	changes, err := proto.Marshal(&set)
	if err != nil {
		return err
	}
	const manifestVersion = 8
	b := append([]byte("Bdgr"), 0, 0, 0, manifestVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(changes)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(changes, castagnoli))
	path := filepath.Join(dir, bdg.ManifestFilename)
	if err := os.Rename(path, path+setAside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, append(b, changes...), 0o600); err != nil {
		return fmt.Errorf("rebuilding the manifest: %w", err)
	}
	return nil
}
