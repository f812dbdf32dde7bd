package load

import (
	"errors"
	"io"

	"github.com/lockstep-sync/lockstep/cmd/lockstep/internal/rows"
	"github.com/lockstep-sync/lockstep/topics"
)

// source cuts the rows of a reader into batches.
type source struct {
	load   *Load
	reader *rows.Reader
	id     string // of held
	held   []byte // the row that did not fit into the batch before; nil: none
	err    error  // why there are no more rows; nil at the end of the file
	ended  bool
}

// batch is the next batch; one without rows is the end.
func (s *source) batch() *batch {
	b := newBatch(s.load.Read() + 1)
	for s.next() {
		if !b.add(s.id, s.load.o.Event, s.held) {
			return b
		}
		s.held = nil
		s.load.read.Add(1)
	}
	return b
}

// next sees to it that a row is held.
func (s *source) next() bool {
	if s.held != nil || s.ended {
		return s.held != nil
	}
	row, err := s.reader.Next()
	if err == nil {
		s.id, err = s.identify(row)
	}
	if err != nil {
		s.ended = true
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
		return false
	}
	s.held = row
	return true
}

func (s *source) identify(row []byte) (string, error) {
	id, err := rows.ID(row, s.load.o.ID)
	if err == nil {
		err = topics.CheckEntityID(id)
	}
	if err != nil {
		return "", &rows.Error{Row: s.reader.Count(), Err: err}
	}
	return id, nil
}
