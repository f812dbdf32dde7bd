package topics

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What a parser accepts has one text, within its bounds, and is accepted again.

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"gift-list:123", "a:", ":b", "user:~2e", "a:..", "a:b:c", "ä:b", strings.Repeat("a", 198) + ":b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseName(s)
		if err != nil {
			if AsError(err).Code != CodeInvalidTopic {
				t.Fatalf("%q is refused with %v", s, err)
			}
			return
		}
		if string(name) != s || name.Type()+":"+name.Identifier() != s || len(s) > MaxNameBytes || strings.ContainsAny(s, "/\x00\n ") {
			t.Fatalf("accepted %q as %q", s, name)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	for _, seed := range []string{"abcdefghijklm-1", "abcdefghijklm-01", "abcdefghijklm-9007199254740992", "-", "abcdefghijklm-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err == nil && (p.String() != s || p.Version > MaxVersion || len(p.Epoch) != EpochBytes) {
			t.Fatalf("accepted %q as %v", s, p)
		}
	})
}

// Users never share a topic, whatever bytes their ids hold (P8).
func FuzzUserTopic(f *testing.F) {
	f.Add("alice", "alice~")
	f.Add(".", "~2e")
	f.Add("a b", "a~20b")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, err := UserTopic(a)
		if err != nil {
			return
		}
		if other, err := UserTopic(b); err == nil && one == other && a != b {
			t.Fatalf("%q and %q share %s", a, b, one)
		}
	})
}

// A pattern covers a reserved topic only by its full name (P8).
func FuzzPattern(f *testing.F) {
	f.Add("gift-list:*", "gift-list:1", "alice")
	f.Add("user:{sub}", "user:alice", "alice")
	f.Add("*", "system:broadcast", "*")
	f.Add("doc:{sub}-*", "doc:bob-1", "bob")
	f.Fuzz(func(t *testing.T, text, topic, user string) {
		name, err := ParseName(topic)
		if err != nil {
			return
		}
		own, err := UserTopic(user)
		if err != nil {
			return
		}
		p, err := ParsePattern(text, own.Identifier())
		if err != nil || !p.Covers(name) {
			return
		}
		literal := strings.ReplaceAll(text, Placeholder, own.Identifier())
		begin, open := strings.CutSuffix(literal, "*")
		if name.Reserved() && literal != topic || !open && literal != topic || open && !strings.HasPrefix(topic, begin) {
			t.Fatalf("%q for %q covers %q", text, user, topic)
		}
	})
}

func TestPattern(t *testing.T) {
	tests := []struct {
		text, topic string
		covers      bool
	}{
		{"gift-list:*", "gift-list:123", true},
		{"gift-list:*", "gift-lists:123", false},
		{"doc:{sub}-*", "doc:alice-notes", true},
		{"doc:{sub}-*", "doc:bob-notes", false},
		{"*", "doc:1", true},
		{"*", "user:alice", false},
		{"user:*", "user:alice", false},
		{"user:{sub}", "user:alice", true},
		{"system:broadcast", "system:broadcast", true},
	}
	for _, tt := range tests {
		p, err := ParsePattern(tt.text, "alice")
		if err != nil || p.Covers(Name(tt.topic)) != tt.covers {
			t.Errorf("%s covers %s: %v, %v; want %v", tt.text, tt.topic, p.Covers(Name(tt.topic)), err, tt.covers)
		}
	}
	for _, bad := range []string{"", "gift", "gift*", "a:b*c", ":*", "a b:*"} {
		if _, err := ParsePattern(bad, "alice"); err == nil {
			t.Errorf("%q was taken for a pattern", bad)
		}
	}
	if (Pattern{}).Covers("a:1") {
		t.Error("the zero pattern covers something")
	}
}

// Names that an error quotes are cut at a rune.
func TestClip(t *testing.T) {
	for n := range 70 {
		if cut := clip(strings.Repeat("x", n) + strings.Repeat("ä", 40)); !utf8.ValidString(cut) {
			t.Fatalf("%d: %q", n, cut)
		}
	}
}
