package conformance

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:embed SPEC.md protocol.json proofs.json protocol schemas vectors
var files embed.FS

// Files are the folders of the contract.
var Files fs.FS = files

// Read decodes the JSON file name into the value that into points to. A member that
// the value has no field for is an error: a reader that does not look at what a case
// says would pass it.
func Read(name string, into any) error {
	text, err := fs.ReadFile(Files, name)
	if err != nil {
		return fmt.Errorf("conformance: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("conformance: %s: %w", name, err)
	}
	return nil
}
