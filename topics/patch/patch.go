// Package patch applies partial changes to JSON values, the same way on the server
// that decides and in the clients that show the change before it is decided. The
// semantics of JSON Patch are those of a library that owns them; merge.go says why
// merging is our own. Beside that here is what the protocol adds: which refusals
// are a malformed patch, and which a patch that does not fit the value.
package patch

import (
	"bytes"
	"encoding/json"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"github.com/lockstep-sync/lockstep/topics"
)

// Apply returns base after a partial change of the kind op, which is
// [topics.OpPatch] or [topics.OpJSONPatch]. It fails with invalid where body is no
// patch, and with patch_failed where it does not fit base.
func Apply(op topics.Op, base, body json.RawMessage) (json.RawMessage, error) {
	if len(body) == 0 {
		return nil, topics.Errorf(topics.CodeInvalid, "payload", "is missing; it carries the patch")
	}
	if op == topics.OpPatch {
		value, err := merge(base, body)
		if err != nil {
			return nil, topics.Errorf(topics.CodePatchFailed, "payload", "cannot be merged: %v", err)
		}
		return value, nil
	}
	steps, err := jsonpatch.DecodePatch(body)
	if err != nil {
		return nil, topics.Errorf(topics.CodeInvalid, "payload", "is not a JSON Patch (RFC 6902): %v", err)
	}
	options := jsonpatch.NewApplyOptions()
	options.SupportNegativeIndices = false
	options.AccumulatedCopySizeLimit = topics.MaxMutationBytes
	value, err := steps.ApplyWithOptions(base, options)
	if err != nil {
		return nil, topics.Errorf(topics.CodePatchFailed, "payload", "does not apply: %v", err)
	}
	return value, nil
}

// Same reports whether two compact texts mean the same value: object members may
// stand in another order, and strings may be escaped otherwise.
func Same(a, b json.RawMessage) bool {
	switch {
	case string(a) == string(b):
		return true
	case !escaped(a) && !escaped(b) && (len(a) != len(b) || byteSum(a) != byteSum(b)):
		return false // members in another order are the same bytes in another order
	}
	return jsonpatch.Equal(a, b)
}

func escaped(text json.RawMessage) bool { return bytes.IndexByte(text, '\\') >= 0 }

// byteSum does not depend on the order of the bytes.
func byteSum(text json.RawMessage) (sum uint64) {
	for _, c := range text {
		sum += uint64(c) * uint64(c)
	}
	return sum
}
