package strict

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// str reads a string token: valid UTF-8, known escapes, surrogates in pairs.
func (s *scanner) str() bool {
	start := s.at
	s.at++
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == '"':
			s.at++
			s.dst = append(s.dst, s.src[start:s.at]...)
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < 0x20:
			return s.fail("has a raw control character in a string")
		case c < utf8.RuneSelf:
			s.at++
		default:
			r, n := utf8.DecodeRune(s.src[s.at:])
			if r == utf8.RuneError && n == 1 {
				return s.fail("is not valid UTF-8")
			}
			s.at += n
		}
	}
	return s.fail("has a string without its closing quote")
}

func (s *scanner) escape() bool {
	if s.at+1 >= len(s.src) {
		return s.fail("ends inside an escape")
	}
	switch s.src[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return true
	case 'u':
		return s.unicodeEscape()
	}
	return s.fail("has an escape that JSON does not know")
}

func (s *scanner) unicodeEscape() bool {
	const low, high, end = 0xDC00, 0xD800, 0xE000
	r, ok := s.hex4(s.at)
	switch {
	case !ok:
		return s.fail("has a \\u without four hex digits")
	case r < high || r >= end:
		s.at += 6
		return true
	case r >= low:
		return s.fail("has a low surrogate without its high one")
	}
	if second, ok := s.hex4(s.at + 6); !ok || second < low || second >= end {
		return s.fail("has a high surrogate without its low one")
	}
	s.at += 12
	return true
}

// hex4 reads \uXXXX at i.
func (s *scanner) hex4(i int) (uint64, bool) {
	if i+6 > len(s.src) || s.src[i] != '\\' || s.src[i+1] != 'u' {
		return 0, false
	}
	for _, c := range s.src[i+2 : i+6] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(string(s.src[i+2:i+6]), 16, 32)
	return n, err == nil
}

// number reads a number token of RFC 8259, section 6, within float64's range.
func (s *scanner) number() bool {
	start := s.at
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return s.fail("has a number without digits")
	}
	long := false
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return s.fail("has a number that ends with a point")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		long = true
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return s.fail("has a number without its exponent")
		}
	}
	token := s.src[start:s.at]
	if (long || len(token) > 300) && !finite(token) {
		return s.fail("has a number beyond the range of a double")
	}
	s.dst = append(s.dst, token...)
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > start
}

func finite(token []byte) bool {
	f, err := strconv.ParseFloat(string(token), 64)
	return err == nil && !math.IsInf(f, 0)
}

// keySet finds a repeated key within one object. Keys are compared as the text
// they stand for, so "a" and "\u0061" are equal.
type keySet struct {
	few  [8]string // linear while there are few
	n    int
	many map[string]struct{}
}

// add reports whether the quoted key is new.
func (k *keySet) add(quoted []byte) bool {
	key := unquote(quoted)
	if k.many != nil {
		_, known := k.many[key]
		k.many[key] = struct{}{}
		return !known
	}
	if slices.Contains(k.few[:k.n], key) {
		return false
	}
	if k.n < len(k.few) {
		k.few[k.n] = key
		k.n++
		return true
	}
	k.many = make(map[string]struct{}, 4*len(k.few))
	for _, other := range k.few {
		k.many[other] = struct{}{}
	}
	k.many[key] = struct{}{}
	return true
}

// unquote is the text of a string token that str has accepted.
func unquote(quoted []byte) string {
	if slices.Contains(quoted, '\\') {
		var text string
		if err := json.Unmarshal(quoted, &text); err != nil {
			panic("strict: accepted a string that encoding/json refuses: " + err.Error())
		}
		return text
	}
	return string(quoted[1 : len(quoted)-1])
}
