//go:build unix

package server

import (
	"errors"
	"sync"
	"syscall"
)

// attempt is one try of a write, with the function that the runtime is given for it.
// They are used again: every delivery makes one.
type attempt struct {
	p   []byte
	n   int
	err error
	try func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := &attempt{}
	a.try = func(fd uintptr) bool {
		a.n, a.err = syscall.Write(int(fd), a.p) //nolint:gosec // a descriptor is an int
		return true
	}
	return a
}}

// writeOnce writes what the connection takes without waiting, which may be nothing.
func writeOnce(raw syscall.RawConn, p []byte) (int, error) {
	a, ok := attempts.Get().(*attempt)
	if !ok {
		panic("server: something else is in the pool of attempts")
	}
	a.p = p
	refused := raw.Write(a.try)
	n, err := a.n, a.err
	a.p, a.n, a.err = nil, 0, nil
	attempts.Put(a)
	switch {
	case refused != nil:
		return 0, refused
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return n, nil
}
