package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCompactAccepts(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{` { "a" : [ 1 , 2.5e3 , -0 ] , "b" : null } `, `{"a":[1,2.5e3,-0],"b":null}`},
		{"\"line\\nbreak\"", `"line\nbreak"`},
		{"[\n\ttrue,\r\nfalse ]", `[true,false]`},
		{`"\ud83d\ude00 😀 \u0041"`, `"\ud83d\ude00 😀 \u0041"`},
		{`{}`, `{}`},
		{`{"":{"":{}}}`, `{"":{"":{}}}`},
		{`{"a":1,"A":2}`, `{"a":1,"A":2}`},
	} {
		got, err := Compact(nil, []byte(tt.in), Limits{})
		if err != nil || string(got) != tt.want {
			t.Errorf("Compact(%s) = %s, %v; want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestCompactRefuses(t *testing.T) {
	tests := []struct{ name, in, problem, path string }{
		{"empty", ``, "ends where a value", ""},
		{"two values", `1 2`, "after the value", ""},
		{"duplicate key", `{"a":{"x":1,"x":2}}`, "same key twice", "a.x"},
		{"duplicate key, escaped", `{"a":1,"\u0061":2}`, "same key twice", ""},
		{"duplicate among many", `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"c":1}`, "same key twice", "c"},
		{"not UTF-8", "[\"a\xff\"]", "UTF-8", "[0]"},
		{"overlong UTF-8", "\"\xc0\xaf\"", "UTF-8", ""},
		{"lone high surrogate", `"\ud800"`, "high surrogate", ""},
		{"lone low surrogate", `"\udc00"`, "low surrogate", ""},
		{"control character", "\"a\nb\"", "control character", ""},
		{"trailing comma", `[1,]`, "where a value", "[1]"},
		{"no quotes", `{a:1}`, "key in quotes", "none"},
		{"only a brace", `{`, "key in quotes", "none"},
		{"leading zero", `01`, "after the value", ""},
		{"plus", `+1`, "where a value", ""},
		{"bare point", `1.`, "point", ""},
		{"NaN", `NaN`, "where a value", ""},
		{"huge exponent", `{"n":1e400}`, "range of a double", "n"},
		{"unclosed", `{"a":[1`, "lacks a , or ]", "a[0]"},
		{"bad word", `{"a":trux}`, "is not true", "a"},
		{"NUL", "\x00", "where a value", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Compact([]byte("kept"), []byte(tt.in), Limits{})
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Problem, tt.problem) {
				t.Fatalf("Compact(%q) = %v; want a problem with %q", tt.in, err, tt.problem)
			}
			if tt.path == "none" && e.Path != "" || tt.path != "" && tt.path != "none" && e.Path != tt.path {
				t.Errorf("path = %q, want %q", e.Path, tt.path)
			}
			if string(got) != "kept" {
				t.Errorf("dst = %q after a failure, want it as it was", got)
			}
		})
	}
}

// Each limit is tested at the bound and one step past it (P9).
func TestCompactLimits(t *testing.T) {
	tests := []struct {
		name     string
		at, past string
		limits   Limits
	}{
		{"bytes", `"12345678"`, `"123456789"`, Limits{Bytes: 10}},
		{"depth", `[[[]]]`, `[[[[]]]]`, Limits{Depth: 3}},
		{"values", `[1,2,3]`, `[1,2,3,4]`, Limits{Values: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Compact(nil, []byte(tt.at), tt.limits); err != nil {
				t.Errorf("at the bound: %v", err)
			}
			_, err := Compact(nil, []byte(tt.past), tt.limits)
			var e *Error
			if !errors.As(err, &e) || !e.TooLarge {
				t.Errorf("past the bound: %v; want TooLarge", err)
			}
		})
	}
}

// FuzzCompact holds the scanner to encoding/json: what it accepts is valid, means
// the same, has no raw newline, and does not change when compacted again.
func FuzzCompact(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2,{"b":null}]}`, `"\ud83d\ude00"`, `1e5`, `{"a":1,"a":2}`, "\"\xff\"", `[[[[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := Compact(nil, src, Limits{})
		if err != nil {
			return
		}
		if bytes.ContainsAny(got, "\n\r") {
			t.Fatalf("%q holds a raw newline", got)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, src); err != nil {
			t.Fatalf("accepted %q, which encoding/json refuses: %v", src, err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("Compact(%q) = %q, encoding/json has %q", src, got, want.Bytes())
		}
		again, err := Compact(nil, got, Limits{})
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("a second pass changed %q to %q, %v", got, again, err)
		}
	})
}

func BenchmarkCompact(b *testing.B) {
	src := []byte(`{"type":"mutate","client":"c9","seq":14,"topic":"gift-list:1","changes":[{"op":"patch","entity_id":"g1","payload":{"claimed":true,"by":"alice","note":"the blue one from the shop at the corner, please wrap it"}}]}`)
	dst := make([]byte, 0, len(src))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compact(dst, src, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
