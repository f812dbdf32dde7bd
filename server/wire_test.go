package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// pipe is a wire whose other end takes bytes only when it is told to.
func pipe(t *testing.T) (*wire, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return newWire(ours), theirs
}

func read(t *testing.T, from io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(from, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// A message becomes a frame where it lies, whatever its length.
func TestFramed(t *testing.T) {
	for _, size := range []int{1, 125, 126, 65_535, 65_536} {
		message := strings.Repeat("x", size)
		frame := framed(append(make([]byte, headRoom), message...))
		if want := append(appendHead(nil, size), message...); !bytes.Equal(frame, want) {
			t.Errorf("%d bytes: the frame begins with %x, want %x", size, frame[:12], want[:12])
		}
	}
	if got := appendFrames(nil, []byte("ab\nc")); string(got) != "\x81\x02ab\x81\x01c" {
		t.Errorf("two lines became %q", got)
	}
}

// A pong does not wait for a message that is under way, and does not stand in its
// middle; a close frame likewise, and nothing follows it.
func TestControlBehindMessage(t *testing.T) {
	w, peer := pipe(t)
	message := bytes.Repeat([]byte("m"), 100_000) // several pieces
	sent := make(chan error, 1)
	go func() { sent <- w.send(message) }()
	begun := read(t, peer, 10) // it is half-written from here on
	for _, control := range []string{"\x8a\x01p", "\x88\x00"} {
		if n, err := w.Write([]byte(control)); n != len(control) || err != nil {
			t.Fatalf("writing a control frame meanwhile: %d, %v", n, err)
		}
	}
	if _, err := w.Write([]byte("\x8a\x01q")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a pong after the close frame: %v", err)
	}
	got := append(begun, read(t, peer, len(message)-len(begun)+5)...)
	if want := string(message) + "\x8a\x01p\x88\x00"; string(got) != want {
		t.Errorf("the peer read …%q", got[len(message)-10:])
	}
	if err := <-sent; err != nil {
		t.Errorf("sending: %v", err)
	}
	if err := w.send([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a message after the close frame: %v", err)
	}
}

// Control frames that nobody takes are bounded.
func TestControlBound_P9(t *testing.T) {
	w, peer := pipe(t)
	sent := make(chan error, 1)
	go func() { sent <- w.send([]byte("message")) }()
	read(t, peer, 1)
	pong := []byte("\x8a\x7d" + strings.Repeat("p", 125))
	room := maxWaiting / len(pong)
	for i := range room + 1 {
		if _, err := w.Write(pong); (err != nil) != (i == room) {
			t.Fatalf("pong %d of %d: %v", i, room, err)
		}
	}
	if err := peer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err == nil {
		t.Error("half a message was sent")
	}
	if err := w.send([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a message behind half of one: %v", err)
	}
}

// What a line does not take at once is written later, whole and in order, and control
// frames wait behind it; what it takes at once has gone when sendNow returns.
func TestSendNow(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ours, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	w := newWire(ours)
	if rest, err := w.sendNow([]byte("short")); rest != nil || err != nil {
		t.Fatalf("a short message on an empty line: rest %t, %v", rest != nil, err)
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than the buffers of both ends
	sent := bytes.Clone(long)
	rest, err := w.sendNow(sent)
	if rest == nil || err != nil {
		t.Fatalf("16 MiB went at once (%v)", err)
	}
	clear(sent) // the caller's to use again
	if _, err := w.Write([]byte("\x8a\x01p")); err != nil {
		t.Fatal(err)
	}
	later, err := w.sendNow([]byte("later"))
	if later == nil || err != nil {
		t.Fatalf("a message overtook another one (%v)", err)
	}
	done := make(chan error, 2)
	go func() { done <- rest(); done <- later() }()
	want := "short" + string(long) + "\x8a\x01p" + "later"
	if got := read(t, peer, len(want)); string(got) != want {
		t.Error("the bytes are not those that were sent, in their order")
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := w.Write([]byte("\x88\x00")); err != nil {
		t.Fatal(err)
	}
	if rest, err := w.sendNow([]byte("after the close frame")); rest != nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the close frame: rest %t, %v", rest != nil, err)
	}
}
