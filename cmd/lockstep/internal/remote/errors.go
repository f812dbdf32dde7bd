package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// Unreachable says that nobody answered, or not to the end.
type Unreachable struct {
	URL string
	Err error
}

// Error names the server and the cause.
func (u *Unreachable) Error() string {
	return fmt.Sprintf("cannot connect to %s: %v", u.URL, u.Err)
}

// Unwrap is the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

// Refusal is a server's no.
type Refusal struct {
	Said    *topics.Error
	Status  int
	Retry   topics.Retry
	Current json.RawMessage // the row that explains it; nil when the server sent none
	Version topics.Version  // of that row
}

// Error is what the server said.
func (r *Refusal) Error() string { return r.Said.Error() }

// Unwrap is what the server said, so that errors.Is finds its code.
func (r *Refusal) Unwrap() error { return r.Said }

// Later reports whether sending the same again may help.
func (r *Refusal) Later() bool { return r.Retry == topics.RetryLater }

// unreachable tells the end of the caller's context, which is no fault of the
// server, from everything else.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the URL, which may hold more than is good for a screen
	}
	return &Unreachable{URL: c.base.Redacted(), Err: err}
}

// maxProblem bounds what is read of a refusal: a row and its explanation.
const maxProblem = 2 << 20

// refusal reads a problem. What is not one was not said by Lockstep.
func refusal(status int, a *answer) error {
	var problem struct {
		Code         topics.Code     `json:"code"`
		Field        string          `json:"field"`
		Message      string          `json:"message"`
		Retry        topics.Retry    `json:"retry"`
		RetryAfterMs int64           `json:"retry_after_ms"`
		Expected     uint64          `json:"expected"`
		Current      json.RawMessage `json:"current"`
		Version      topics.Version  `json:"current_version"`
	}
	body, err := io.ReadAll(io.LimitReader(a.body, maxProblem))
	if err != nil || json.Unmarshal(body, &problem) != nil || problem.Code == "" {
		foreign := topics.Errorf(topics.CodeInternal, "", "the answer is %d %s and not Lockstep's; is the URL right?", status, http.StatusText(status))
		r := &Refusal{Said: foreign, Status: status, Retry: topics.RetryNever}
		if status >= http.StatusBadGateway {
			r.Retry = topics.RetryLater // a proxy whose server is away
		}
		return r
	}
	return &Refusal{
		Said: &topics.Error{
			Code: problem.Code, Field: problem.Field, Message: problem.Message, Expected: problem.Expected,
			RetryAfter: time.Duration(problem.RetryAfterMs) * time.Millisecond,
		},
		Status: status, Retry: problem.Retry, Current: problem.Current, Version: problem.Version,
	}
}

// hint is how long the server asked to be left alone; 0 when it did not ask.
func hint(err error) time.Duration {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Said.RetryAfter
	}
	return 0
}

// temporary reports whether the same request may succeed later.
func temporary(err error) bool {
	var r *Refusal
	var u *Unreachable
	return errors.As(err, &u) || errors.As(err, &r) && r.Later()
}
