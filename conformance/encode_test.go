package conformance_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/conformance/validate"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

// What the Go client encodes is a sound frame, and the server reads the mutation that
// was meant.
func TestClientEncodes(t *testing.T) {
	var file struct {
		About  string
		Frames []struct {
			Name         string
			Loose        bool
			Frame, Means json.RawMessage
		}
		Refused []json.RawMessage
	}
	if err := conformance.Read("protocol/client.json", &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Frames {
		meant, err := frame.Decode(c.Frame, strict.Limits{})
		m, isMutation := meant.(frame.Mutate)
		if err != nil || !isMutation {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			text := client.EncodeMutation(m.Mutation)
			for _, f := range validate.Text(validate.Client, text) {
				t.Errorf("%s: %s", text, f)
			}
			again, err := frame.Decode(text, strict.Limits{})
			if err != nil || !reflect.DeepEqual(again, meant) {
				t.Errorf("%s is read as\n%+v, %v\nwant\n%+v", text, again, err, meant)
			}
		})
	}
}
