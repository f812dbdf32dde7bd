//go:build unix

package server

import (
	"errors"
	"syscall"
)

// writeOnce writes what the connection takes without waiting, which may be nothing.
func writeOnce(raw syscall.RawConn, p []byte) (n int, err error) {
	refused := raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), p) //nolint:gosec // a descriptor is an int
		return true
	})
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
