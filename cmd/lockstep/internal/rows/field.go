package rows

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// ID is the text of the member at path in row, a string or a number. path goes
// through objects, names joined by dots.
func ID(row []byte, path string) (string, error) {
	at := json.RawMessage(row)
	for name := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(at, &object) != nil {
			return "", fmt.Errorf("--id %s: there is no object to look for %q in", path, name)
		}
		next, ok := object[name]
		if !ok {
			return "", fmt.Errorf("--id %s: there is no member %q; if the rows are inside a member of the file, name it with --path", path, name)
		}
		at = next
	}
	switch {
	case len(at) > 0 && at[0] == '"':
		return unquote(at)
	case json.Valid(at) && bytes.IndexByte([]byte("-0123456789"), at[0]) >= 0:
		return string(at), nil
	}
	return "", fmt.Errorf("--id %s: is %.20s; an id is a string or a number", path, at)
}

// Values counts the values of a compact text as the strict scanner does: scalars,
// objects and arrays, and not the names of members.
func Values(compact []byte) int {
	n, scalar := 0, false
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; c {
		case '"':
			n++
			i = endOfString(compact, i)
			scalar = false
		case '{', '[':
			n++
			scalar = false
		case ':':
			n-- // what came before it was a name
			scalar = false
		case ',', '}', ']':
			scalar = false
		default:
			if !scalar {
				n++
			}
			scalar = true
		}
	}
	return n
}

// endOfString is where the string that begins at i ends.
func endOfString(compact []byte, i int) int {
	for i++; i < len(compact) && compact[i] != '"'; i++ {
		if compact[i] == '\\' {
			i++
		}
	}
	return i
}
