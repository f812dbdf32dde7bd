package rows

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// text finds where JSON values begin and end. It does not check them: who uses a
// value does.
type text struct {
	r *bufio.Reader
}

// peek is the next byte that is not white space.
func (t text) peek() (byte, error) {
	for {
		c, err := t.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			return c, t.r.UnreadByte()
		}
	}
}

// expect reads past white space and c.
func (t text) expect(c byte) error {
	found, err := t.peek()
	if err != nil {
		return unexpected(err)
	}
	if found != c {
		return fmt.Errorf("has %q where %q is expected", found, c)
	}
	_, err = t.r.Discard(1)
	return err
}

// more reads up to the next member or element, or past the end of what holds them.
func (t text) more(end byte, first bool) (bool, error) {
	c, err := t.peek()
	if err != nil {
		return false, unexpected(err)
	}
	if c == end {
		_, err := t.r.Discard(1)
		return false, err
	}
	if first {
		return true, nil
	}
	return true, t.expect(',')
}

// skip reads past one value of any length.
func (t text) skip() error {
	_, err := t.value(nil, 0)
	return err
}

// value appends the next value to dst, at most so many bytes of it. With most 0 it
// appends nothing, and there is no bound.
func (t text) value(dst []byte, most int) ([]byte, error) {
	if _, err := t.peek(); err != nil {
		return dst, unexpected(err)
	}
	var s span
	for length := 0; ; length++ {
		c, err := t.r.ReadByte()
		if errors.Is(err, io.EOF) && s.scalar && s.depth == 0 && length > 0 {
			return dst, nil // a number at the end of the file
		}
		if err != nil {
			return dst, unexpected(err)
		}
		switch s.step(c) {
		case before:
			return dst, t.r.UnreadByte()
		case after:
			return keep(dst, c, most), nil
		case inside:
		}
		if most > 0 && length >= most {
			return dst, fmt.Errorf("is longer than %d bytes", most)
		}
		dst = keep(dst, c, most)
	}
}

func keep(dst []byte, c byte, most int) []byte {
	if most == 0 {
		return dst
	}
	return append(dst, c)
}

// span follows one value byte by byte.
type span struct {
	depth   int
	quoted  bool // inside a string
	escaped bool // after a backslash
	scalar  bool // inside a number or word
}

// verdict says where a value ends.
type verdict uint8

const (
	inside verdict = iota
	before         // the byte is no longer the value's
	after          // the byte is the value's last
)

func (s *span) step(c byte) verdict {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted:
		return s.inString(c)
	case s.scalar && s.depth == 0 && endsScalar(c):
		return before
	case c == '"':
		s.quoted = true
	case c == '{' || c == '[':
		s.depth++
	case c == '}' || c == ']':
		if s.depth--; s.depth <= 0 {
			return after
		}
	default:
		s.scalar = s.depth == 0
	}
	return inside
}

func (s *span) inString(c byte) verdict {
	switch c {
	case '\\':
		s.escaped = true
	case '"':
		s.quoted = false
		if s.depth == 0 {
			return after
		}
	}
	return inside
}

func endsScalar(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', '}', ']', '{', '[', ':', '"':
		return true
	}
	return false
}

// unexpected makes an end of file an error: it came where something had to be.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func unquote(quoted []byte) (string, error) {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", fmt.Errorf("has %.40q where a member's name is expected", quoted)
	}
	return s, nil
}
