//go:build linux

package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// readBytes is the room for one read; a message that fits is never copied.
const readBytes = 256 << 10

// maxOpening is how many handshakes may be under way: fewer than a listener queues.
const maxOpening = 200

// loop owns all connections of the load and is its only goroutine: there is nothing
// to lock, nothing to wake, and one buffer to read into.
type loop struct {
	epoll   int
	lines   map[int]*line
	opening int
	buffer  []byte
	ready   []unix.EpollEvent
	now     time.Time // when the read under way returned
}

func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &loop{epoll: epoll, lines: make(map[int]*line), buffer: make([]byte, readBytes), ready: make([]unix.EpollEvent, 512)}, nil
}

// close cuts all lines. Peers see a reset, and no port is left waiting.
func (l *loop) close() {
	for _, c := range l.lines {
		l.cut(c)
	}
	_ = unix.Close(l.epoll)
}

func (l *loop) cut(c *line) {
	if c.open {
		c.open = false
		delete(l.lines, c.fd)
		_ = unix.Close(c.fd)
	}
}

// dial connects and says hello.
func (l *loop) dial(address netip.AddrPort, c *line) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c.fd, c.open = fd, true
	l.lines[fd] = c
	to := &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}
	err = errors.Join(
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}),
		unix.Connect(fd, to),
		unix.SetNonblock(fd, true),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}), //nolint:gosec // a descriptor is small
	)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", address, err)
	}
	l.opening++
	return c.hello()
}

// step waits for bytes until the deadline, and hands on what came. Its last
// millisecond it spends looking, for epoll counts in those.
func (l *loop) step(until time.Time) error {
	wait := max(0, time.Until(until))
	n, err := unix.EpollWait(l.epoll, l.ready, int(wait.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	for _, e := range l.ready[:n] {
		c := l.lines[int(e.Fd)]
		if c == nil {
			continue // cut meanwhile
		}
		if err := l.serve(c, e.Events); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func (l *loop) serve(c *line, events uint32) error {
	if events&unix.EPOLLOUT != 0 {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
		return nil
	}
	n, err := unix.Read(c.fd, l.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("reading: %w", err)
	case n == 0:
		return errors.New("the server has closed the connection")
	}
	l.now = time.Now()
	return c.take(l.buffer[:n])
}

// until goes on until done, or says what was waited for.
func (l *loop) until(what string, patience time.Duration, done func() bool) error {
	end := time.Now().Add(patience)
	for !done() {
		if time.Now().After(end) {
			return fmt.Errorf("%s: still waiting after %s", what, patience)
		}
		if err := l.step(end); err != nil {
			return err
		}
	}
	return nil
}
