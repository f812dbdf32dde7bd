// Package strict is the one scanner that every JSON text from outside passes
// before anything else looks at it.
//
// Parsers disagree about JSON that RFC 8259 leaves loose: of two equal keys one
// takes the first, another the last; some match keys without regard to case; some
// take bytes that are not UTF-8. Where a check and its use go through different
// parsers, each disagreement is a way around the check. [Compact] refuses all such
// text, in the sense of I-JSON (RFC 7493), so that every parser behind it sees the
// same value. It also removes the white space between tokens, so that no text it
// returns holds a raw newline: it fits into NDJSON and SSE as it is.
package strict

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Limits bound one text. The zero value means the defaults.
type Limits struct {
	Bytes  int // of the text as it came; default 1 MiB
	Depth  int // of nesting; default 32
	Values int // scalars, objects and arrays together; default 10,000
}

// The defaults of [Limits].
const (
	DefaultBytes  = 1 << 20
	DefaultDepth  = 32
	DefaultValues = 10_000
)

func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	if l.Values == 0 {
		l.Values = DefaultValues
	}
	return l
}

// Error says what is wrong with a text and where.
type Error struct {
	Offset   int    // of the byte at fault
	Path     string // of the value at fault, such as changes[2].payload; may be empty
	Problem  string
	TooLarge bool // a bound was passed; the text may be well formed
}

// Error names the place and the problem.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("JSON at byte %d: %s", e.Offset, e.Problem)
	}
	return fmt.Sprintf("JSON at byte %d, in %s: %s", e.Offset, e.Path, e.Problem)
}

// Compact appends src to dst without the white space between its tokens and
// returns the result. It fails with an [*Error] when src is not exactly one JSON
// value, passes a limit, is not valid UTF-8, has two equal keys in one object, a
// lone surrogate escape, or a number outside the range of a float64. dst and src
// must not overlap.
func Compact(dst, src []byte, limits Limits) ([]byte, error) {
	limits = limits.orDefault()
	if len(src) > limits.Bytes {
		return dst, &Error{Offset: limits.Bytes, Problem: fmt.Sprintf("is %d bytes long; at most %d", len(src), limits.Bytes), TooLarge: true}
	}
	s := scanner{src: src, dst: dst, left: limits.Values, maxDepth: limits.Depth}
	s.space()
	if s.value() {
		s.space()
		if s.err == nil && s.at < len(src) {
			s.fail("has something after the value")
		}
	}
	if s.err != nil {
		return dst, s.err
	}
	return s.dst, nil
}

// scanner is one pass over src. Its methods return false once err is set.
type scanner struct {
	src      []byte
	at       int // the next byte
	dst      []byte
	left     int // values that may still come
	maxDepth int
	path     []step // one step per open object or array
	err      *Error
}

// step is one open object or array: the member or element being read.
type step struct {
	array bool
	index int    // of the element, in an array
	key   []byte // of the member, in an object, as it stands in src; nil before the first
}

func (s *scanner) fail(problem string) bool {
	if s.err == nil {
		s.err = &Error{Offset: s.at, Path: s.pathText(), Problem: problem}
	}
	return false
}

func (s *scanner) exceed(problem string) bool {
	s.fail(problem)
	s.err.TooLarge = true
	return false
}

func (s *scanner) pathText() string {
	var b []byte
	for _, p := range s.path {
		switch {
		case !p.array && p.key == nil:
		case p.array:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(p.index), 10)
			b = append(b, ']')
		default:
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = append(b, p.key[1:len(p.key)-1]...)
		}
		if len(b) > 100 {
			return string(b[:100]) + "…"
		}
	}
	return string(b)
}

func (s *scanner) space() {
	for s.at < len(s.src) {
		switch s.src[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end; 0 itself is no token either.
func (s *scanner) peek() byte {
	if s.at < len(s.src) {
		return s.src[s.at]
	}
	return 0
}

// take copies n bytes of src.
func (s *scanner) take(n int) {
	s.dst = append(s.dst, s.src[s.at:s.at+n]...)
	s.at += n
}

func (s *scanner) value() bool {
	if s.left--; s.left < 0 {
		return s.exceed("has too many values")
	}
	switch c := s.peek(); {
	case c == '{':
		return s.open() && s.object()
	case c == '[':
		return s.open() && s.array()
	case c == '"':
		return s.str()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case s.at >= len(s.src):
		return s.fail("ends where a value is expected")
	}
	return s.fail("has " + strconv.QuoteRune(s.rune()) + " where a value is expected")
}

func (s *scanner) rune() rune {
	r, _ := utf8.DecodeRune(s.src[s.at:])
	return r
}

func (s *scanner) word(w string) bool {
	if len(s.src)-s.at < len(w) || string(s.src[s.at:s.at+len(w)]) != w {
		return s.fail("is not " + w)
	}
	s.take(len(w))
	return true
}

func (s *scanner) open() bool {
	if len(s.path) >= s.maxDepth {
		return s.exceed("is nested too deeply")
	}
	s.path = append(s.path, step{array: s.src[s.at] == '['})
	s.take(1)
	s.space()
	return true
}

func (s *scanner) close() bool {
	s.path = s.path[:len(s.path)-1]
	s.take(1)
	return true
}

func (s *scanner) array() bool {
	if s.peek() == ']' {
		return s.close()
	}
	for top := len(s.path) - 1; ; s.path[top].index++ {
		if !s.value() {
			return false
		}
		s.space()
		switch s.peek() {
		case ',':
			s.take(1)
			s.space()
		case ']':
			return s.close()
		default:
			return s.fail("lacks a , or ] after an element")
		}
	}
}

func (s *scanner) object() bool {
	if s.peek() == '}' {
		return s.close()
	}
	var seen keySet
	top := len(s.path) - 1
	for {
		start := s.at
		if s.peek() != '"' {
			return s.fail("lacks a key in quotes")
		}
		if !s.str() {
			return false
		}
		s.path[top].key = s.src[start:s.at]
		if !seen.add(s.src[start:s.at]) {
			return s.fail("has the same key twice")
		}
		s.space()
		if s.peek() != ':' {
			return s.fail("lacks a : after the key")
		}
		s.take(1)
		s.space()
		if !s.value() {
			return false
		}
		s.space()
		switch s.peek() {
		case ',':
			s.take(1)
			s.space()
		case '}':
			return s.close()
		default:
			return s.fail("lacks a , or } after a member")
		}
	}
}
