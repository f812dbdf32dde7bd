package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/topics"
	"github.com/lockstep-sync/lockstep/topics/patch"
)

type patchCase struct {
	Name   string
	Base   json.RawMessage
	Patch  json.RawMessage
	Result json.RawMessage
	Code   topics.Code
}

// eitherCode is where a file leaves it open which of the two codes refuses a patch.
const eitherCode topics.Code = "refused"

// libraryFaults are the vectors in which the patch library departs from its RFC. One
// that passes after all is to be taken off the list.
var libraryFaults = map[string]string{
	"the whole value added":                       "it cannot make a value that is no container (RFC 6902, section 4.1)",
	"numbers are tested by value":                 "it compares numbers as text (RFC 6902, section 4.6)",
	"a member that is not there, tested for null": "it takes a missing member for null (RFC 6901, section 7)",
	"an index with a leading zero":                "it reads 01 as 1 (RFC 6901, section 4)",
}

func TestPatches(t *testing.T) {
	var file struct {
		About      string
		MergePatch []patchCase `json:"merge_patch"`
		JSONPatch  []patchCase `json:"json_patch"`
	}
	if err := conformance.Read("vectors/patches.json", &file); err != nil {
		t.Fatal(err)
	}
	for op, cases := range map[topics.Op][]patchCase{topics.OpPatch: file.MergePatch, topics.OpJSONPatch: file.JSONPatch} {
		for _, c := range cases {
			t.Run(op.String()+"/"+c.Name, func(t *testing.T) {
				fault, why := c.fault(t, op), libraryFaults[c.Name]
				switch {
				case fault != "" && why == "":
					t.Error(fault)
				case fault != "":
					t.Skip("the library's fault: " + why)
				case why != "":
					t.Error("passes; take it off the list of faults")
				}
			})
		}
	}
}

// fault says what is wrong with how the case is answered; empty when nothing is.
func (c patchCase) fault(t *testing.T, op topics.Op) string {
	t.Helper()
	got, err := patch.Apply(op, c.Base, c.Patch)
	code := topics.Code("")
	if err != nil {
		code = topics.AsError(err).Code
	}
	either := c.Code == eitherCode && (code == topics.CodeInvalid || code == topics.CodePatchFailed)
	switch {
	case code != c.Code && !either:
		return fmt.Sprintf("%s patched with %s is %s, %v; want %s %s", c.Base, c.Patch, got, err, c.Result, c.Code)
	case c.Code == "" && !reflect.DeepEqual(value(t, got), value(t, c.Result)):
		return fmt.Sprintf("%s patched with %s is %s; want %s", c.Base, c.Patch, got, c.Result)
	}
	return ""
}

// value reads JSON with its numbers as they are written.
func value(t *testing.T, text json.RawMessage) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
