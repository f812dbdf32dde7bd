package rows

import "fmt"

// Error is about one row of the file, counted from 1.
type Error struct {
	Row int
	Err error
}

// Error names the row.
func (e *Error) Error() string { return fmt.Sprintf("row %d: %v", e.Row, e.Err) }

// Unwrap is what is wrong with it.
func (e *Error) Unwrap() error { return e.Err }
