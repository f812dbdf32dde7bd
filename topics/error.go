package topics

import (
	"errors"
	"fmt"
	"time"
)

// Error is an answer that says what is wrong, where, and what to do about it. It
// crosses every transport with the same words.
type Error struct {
	Code       Code
	Field      string // the field at fault, in the wire's spelling; may be empty
	Message    string
	RetryAfter time.Duration // only when the code's retry is later; 0: the client chooses

	// Expected is the next seq the lane takes; only with gap.
	Expected uint64
}

// Errorf makes an Error about field, which its message is a sentence about: it begins
// with the predicate, or with the value at fault.
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Error is "code: field message": a message goes on after its field.
func (e *Error) Error() string {
	if e.Field == "" {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Field + " " + e.Message
}

// Is makes errors.Is compare codes, so errors.Is(err, &Error{Code: CodeGap}) holds for any gap.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error) //nolint:errorlint // Is compares with the target itself
	return ok && t.Code == e.Code
}

// In returns e with its field placed under parent: "payload" in "changes[2]"
// becomes "changes[2].payload".
func (e *Error) In(parent string) *Error {
	moved := *e
	if moved.Field == "" {
		moved.Field = parent
	} else {
		moved.Field = parent + "." + moved.Field
	}
	return &moved
}

// AsError returns err as an *Error. One that is not is internal: its text stays
// in the log and the client hears only that the server failed.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: CodeInternal, Message: "the server failed to answer; the cause is in its log"}
}
