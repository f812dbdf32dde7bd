package conformance_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/topics/strict"
)

type jsonFile struct {
	About    string
	Accepted []struct{ Name, Text, Compact string }
	Refused  []struct{ Name, Text, Base64, Path string }
	Bounds   []struct {
		Name     string
		Limits   strict.Limits
		At, Past string
	}
}

func readJSONFile(t *testing.T) jsonFile {
	t.Helper()
	var file jsonFile
	if err := conformance.Read("vectors/json.json", &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestJSONAccepted(t *testing.T) {
	for _, c := range readJSONFile(t).Accepted {
		got, err := strict.Compact(nil, []byte(c.Text), strict.Limits{})
		if err != nil || string(got) != c.Compact {
			t.Errorf("%s: %q is %q, %v; want %q", c.Name, c.Text, got, err, c.Compact)
		}
	}
}

func TestJSONRefused(t *testing.T) {
	for _, c := range readJSONFile(t).Refused {
		text := []byte(c.Text)
		if c.Base64 != "" {
			var err error
			if text, err = base64.StdEncoding.DecodeString(c.Base64); err != nil {
				t.Fatal(err)
			}
		}
		got, err := strict.Compact(nil, text, strict.Limits{})
		var refused *strict.Error
		switch {
		case !errors.As(err, &refused):
			t.Errorf("%s: %q was let in as %q", c.Name, text, got)
		case refused.TooLarge || c.Path != "" && refused.Path != c.Path:
			t.Errorf("%s: refused with %v; want it in %q", c.Name, err, c.Path)
		}
	}
}

// P9: each bound at the bound and one step past it.
func TestJSONBounds(t *testing.T) {
	for _, c := range readJSONFile(t).Bounds {
		if _, err := strict.Compact(nil, []byte(c.At), c.Limits); err != nil {
			t.Errorf("%s, at the bound: %v", c.Name, err)
		}
		_, err := strict.Compact(nil, []byte(c.Past), c.Limits)
		if refused := new(strict.Error); !errors.As(err, &refused) || !refused.TooLarge {
			t.Errorf("%s, past the bound: %v", c.Name, err)
		}
	}
}
