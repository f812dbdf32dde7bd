package main

import (
	"context"
	"net"
	"sync"
	"testing"
)

// cutter is a line to a server, as bad as a test wants it.
type cutter struct {
	target string
	url    string

	mu    sync.Mutex
	lines map[net.Conn]struct{}
	left  int           // what the server may still say before all lines are cut; below 0: anything
	cut   chan struct{} // closed when they are
	done  sync.WaitGroup
}

// newCutter makes a line to the server at the address.
func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{target: target, url: urlOf(l), lines: make(map[net.Conn]struct{}), left: -1}
	c.done.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			c.done.Go(func() { c.join(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.cutAll()
		c.done.Wait()
	})
	return c
}

// join connects a client to the server until either has enough.
func (c *cutter) join(client net.Conn) {
	defer client.Close()
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), "tcp", c.target)
	if err != nil {
		return // it is down, and so is the line
	}
	defer server.Close()
	c.mu.Lock()
	c.lines[client], c.lines[server] = struct{}{}, struct{}{}
	c.mu.Unlock()
	c.done.Go(func() { c.carry(server, client, false) })
	c.carry(client, server, true)
	c.mu.Lock()
	delete(c.lines, client)
	delete(c.lines, server)
	c.mu.Unlock()
}

// carry takes bytes to dst until the line ends.
func (c *cutter) carry(dst, src net.Conn, counted bool) {
	defer dst.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := src.Read(buffer)
		over := false
		if counted {
			n, over = c.allow(n)
		}
		if _, failed := dst.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
		if over {
			c.cutAll()
			return
		}
	}
}

// allow is how many of the server's n bytes go through, and whether they are the last.
func (c *cutter) allow(n int) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left < 0 {
		return n, false
	}
	n = min(n, c.left)
	c.left -= n
	return n, c.left == 0
}

// cutAfter cuts all lines when the server has said so many bytes more. It returns what
// is closed then.
func (c *cutter) cutAfter(bytes int) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.cut = bytes, make(chan struct{})
	return c.cut
}

func (c *cutter) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range c.lines {
		_ = line.Close()
	}
	if c.left = -1; c.cut != nil {
		close(c.cut)
		c.cut = nil
	}
}
