package validate

import (
	"encoding/json"
	"fmt"
)

// nested checks a body that holds frames: what is around them, and then each frame
// by itself, so that its faults are those of the frame that was meant.
func nested(kind Kind, body []byte) []Fault {
	if kind == Poll {
		var frames []json.RawMessage
		if json.Unmarshal(body, &frames) != nil {
			return check(string(kind), body)
		}
		return within("", Server, frames)
	}
	members := make(map[string]json.RawMessage)
	var frames []json.RawMessage
	if json.Unmarshal(body, &members) != nil || json.Unmarshal(members["frames"], &frames) != nil {
		return check(string(kind), body)
	}
	members["frames"] = json.RawMessage(`[]`)
	around, err := json.Marshal(members)
	if err != nil {
		return []Fault{{Rule: "N-1", Problem: err.Error()}}
	}
	of := Server
	if kind == Sync {
		of = Client
	}
	return append(check(string(kind), around), within("frames", of, frames)...)
}

// within checks the frames of the list at a path.
func within(at string, kind Kind, frames []json.RawMessage) []Fault {
	var faults []Fault
	for i, text := range frames {
		for _, f := range frame(kind, text) {
			place := fmt.Sprintf("%s[%d]", at, i)
			if f.Field != "" {
				place += "." + f.Field
			}
			faults = append(faults, Fault{place, f.Rule, f.Problem})
		}
	}
	return faults
}
