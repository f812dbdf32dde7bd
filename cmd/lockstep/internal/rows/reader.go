package rows

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/lockstep-sync/lockstep/topics/strict"
)

// MaxRowBytes bounds one row as it stands in the file; a longer one is an error.
const MaxRowBytes = 1 << 20

// Reader reads rows. Its zero value is not ready; see [New].
type Reader struct {
	text  text
	path  []string
	shape shape
	depth int // objects open around the array
	count int
	raw   []byte // the row as it stands in the file
	out   []byte // the row as Next returns it
}

// shape is how the rows lie in the file; it is known once the first byte is.
type shape uint8

const (
	unknown shape = iota
	sequence
	array
	ended
)

// New makes a reader of the rows in r. path leads to their array through the
// members of objects, names joined by dots; empty: the rows are the file.
func New(r io.Reader, path string) (*Reader, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("gunzip: %w", err)
		}
		buffered = bufio.NewReaderSize(unzipped, 64<<10)
	}
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // some editors begin a file with it
	}
	reader := &Reader{text: text{r: buffered}}
	if path != "" {
		reader.path = strings.Split(path, ".")
	}
	return reader, nil
}

// Count is the number of rows that Next has returned.
func (r *Reader) Count() int { return r.count }

// Next returns the next row, which is valid until the following call, or io.EOF
// after the last. Any other error says which row it is about.
func (r *Reader) Next() ([]byte, error) {
	row, err := r.next()
	switch {
	case err == nil:
		r.count++
		return row, nil
	case errors.Is(err, io.EOF) && r.shape == ended:
		return nil, io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file ends in the middle; is it whole?")
	}
	return nil, &Error{r.count + 1, err}
}

func (r *Reader) next() ([]byte, error) {
	first := r.shape == unknown
	if first {
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	switch r.shape {
	case sequence:
		if _, err := r.text.peek(); errors.Is(err, io.EOF) {
			return nil, r.end()
		}
	case array:
		if more, err := r.element(first); err != nil || !more {
			return nil, err
		}
	default:
		return nil, io.EOF
	}
	return r.row()
}

// begin finds the array at the path, or decides by the first byte.
func (r *Reader) begin() error {
	for _, name := range r.path {
		if err := r.enter(name); err != nil {
			return err
		}
	}
	c, err := r.text.peek()
	switch {
	case errors.Is(err, io.EOF) && len(r.path) == 0:
		r.shape = sequence // of no rows
	case err != nil:
		return err
	case c == '[':
		r.shape = array
		return r.text.expect('[')
	case len(r.path) > 0:
		return fmt.Errorf("--path %s leads to something that is not an array", strings.Join(r.path, "."))
	default:
		r.shape = sequence
	}
	return nil
}

// enter opens an object and stops before the value of its member name.
func (r *Reader) enter(name string) error {
	if err := r.text.expect('{'); err != nil {
		return fmt.Errorf("--path %s: %w", strings.Join(r.path, "."), err)
	}
	r.depth++
	for first := true; ; first = false {
		key, more, err := r.member(first)
		switch {
		case err != nil:
			return err
		case !more:
			return fmt.Errorf("--path %s: there is no member %q", strings.Join(r.path, "."), name)
		case key == name:
			return nil
		}
		if err := r.text.skip(); err != nil {
			return err
		}
	}
}

// member reads up to the value of an object's next member; more is false at its end.
func (r *Reader) member(first bool) (key string, more bool, err error) {
	if more, err = r.text.more('}', first); err != nil || !more {
		return "", false, err
	}
	if r.raw, err = r.text.value(r.raw[:0], MaxRowBytes); err != nil {
		return "", false, err
	}
	key, err = unquote(r.raw)
	if err != nil {
		return "", false, err
	}
	return key, true, r.text.expect(':')
}

// element reads up to the array's next element. After the last one it reads the
// rest of the file, so that a file cut off there is noticed.
func (r *Reader) element(first bool) (bool, error) {
	more, err := r.text.more(']', first)
	if err != nil || more {
		return more, err
	}
	for ; r.depth > 0; r.depth-- {
		for {
			_, more, err := r.member(false)
			if err != nil {
				return false, err
			}
			if !more {
				break
			}
			if err := r.text.skip(); err != nil {
				return false, err
			}
		}
	}
	if c, err := r.text.peek(); err == nil {
		return false, fmt.Errorf("has %q after the end of the rows", c)
	} else if !errors.Is(err, io.EOF) {
		return false, err
	}
	return false, r.end()
}

// end is the end of the last row.
func (r *Reader) end() error {
	r.shape = ended
	return io.EOF
}

// row reads one value and holds it to what every parser agrees on.
func (r *Reader) row() ([]byte, error) {
	var err error
	if r.raw, err = r.text.value(r.raw[:0], MaxRowBytes); err != nil {
		return nil, err
	}
	r.out, err = strict.Compact(r.out[:0], r.raw, strict.Limits{Bytes: MaxRowBytes})
	return r.out, err
}
