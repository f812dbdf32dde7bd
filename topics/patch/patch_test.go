package patch

import (
	"encoding/json"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// FuzzSame holds the quick answer to the library's.
func FuzzSame(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":2}`), []byte(`{"b":2,"a":1}`))
	f.Add([]byte(`{"a":12,"b":2}`), []byte(`{"a":1,"b":22}`))
	f.Add([]byte(`"\u0061"`), []byte(`"a"`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !json.Valid(a) || !json.Valid(b) {
			return
		}
		if quick, slow := Same(a, b), string(a) == string(b) || jsonpatch.Equal(a, b); quick != slow && compact(a) && compact(b) {
			t.Fatalf("Same(%s, %s) = %v, the library says %v", a, b, quick, slow)
		}
	})
}

func compact(text []byte) bool {
	raw, err := json.Marshal(json.RawMessage(text))
	return err == nil && string(raw) == string(text)
}
