package validate

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Found is a fault with the line of the file that it stands in.
type Found struct {
	Line int
	Kind Kind // what the text was taken for
	Fault
}

// String is the fault in one line, after the line's number.
func (f Found) String() string { return fmt.Sprintf("%d: as %s: %s", f.Line, f.Kind, f.Fault) }

// File checks all texts of a file: the one that it is, or where each line is one, as
// in NDJSON and in WebSocket messages, those of its lines. An empty kind is guessed
// for each text. It returns how many texts there are, and what is wrong with them.
func File(kind Kind, file []byte) (texts int, found []Found) {
	check := func(line int, text []byte) {
		texts++
		as := kind
		if as == "" {
			as = Guess(text)
		}
		for _, f := range Text(as, text) {
			found = append(found, Found{line, as, f})
		}
	}
	lines := bytes.Split(file, []byte{'\n'})
	if !oneToALine(lines) {
		check(1, file)
		return texts, found
	}
	for i, line := range lines {
		if len(bytes.TrimSpace(line)) > 0 {
			check(i+1, line)
		}
	}
	return texts, found
}

// oneToALine reports whether the first line that is not empty is a text of its own,
// and there is another.
func oneToALine(lines [][]byte) bool {
	n := 0
	for _, line := range lines {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if n == 0 && !json.Valid(line) {
			return false
		}
		if n++; n == 2 {
			return true
		}
	}
	return false
}
