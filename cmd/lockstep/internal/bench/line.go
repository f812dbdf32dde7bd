//go:build linux

package bench

import (
	"errors"

	"golang.org/x/sys/unix"
)

// line is one connection of the load.
type line struct {
	loop *loop
	name string
	fd   int
	open bool
	talk talk // how bytes become messages

	rest    []byte // received, and not yet a whole message
	out     []byte // not yet taken by the kernel
	waiting bool   // for the kernel to take more

	state any // of the protocol, such as what a session needs to come back
	follow
}

// talk is a protocol below its messages: WebSocket, HTTP or NATS.
type talk interface {
	// hello is the first thing a client says.
	hello(c *line) []byte
	// cut takes whole messages off the front of b, and returns how many bytes they
	// took. The messages' memory is the reader's only until it returns.
	cut(c *line, b []byte) (int, error)
}

func (c *line) hello() error { return c.send(c.talk.hello(c)) }

// send sends bytes, and keeps what the kernel does not take at once.
func (c *line) send(b []byte) error {
	c.out = append(c.out, b...)
	if c.waiting {
		return nil
	}
	return c.flush()
}

func (c *line) flush() error {
	for len(c.out) > 0 {
		n, err := unix.Write(c.fd, c.out)
		if errors.Is(err, unix.EAGAIN) {
			return c.await(true)
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		c.out = c.out[:copy(c.out, c.out[max(n, 0):])]
	}
	if cap(c.out) > 64<<10 {
		c.out = nil
	}
	return c.await(false)
}

// await asks to be told when the kernel takes more.
func (c *line) await(waiting bool) error {
	if c.waiting == waiting {
		return nil
	}
	c.waiting = waiting
	events := uint32(unix.EPOLLIN)
	if waiting {
		events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(c.loop.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)}) //nolint:gosec // likewise
}

// take hands on received bytes. A message that came whole is not copied.
func (c *line) take(b []byte) error {
	if len(c.rest) > 0 {
		c.rest = append(c.rest, b...)
		b = c.rest
	}
	for {
		n, err := c.talk.cut(c, b)
		if err != nil {
			return err
		}
		b = b[n:]
		if n == 0 || len(b) == 0 {
			break
		}
	}
	if len(b) == 0 {
		c.rest = nil
		return nil
	}
	c.rest = append(make([]byte, 0, 2*len(b)), b...)
	return nil
}
