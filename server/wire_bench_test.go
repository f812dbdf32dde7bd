package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
)

// BenchmarkFramed makes a frame of a turn's bytes: it costs the same whatever their
// number.
func BenchmarkFramed(b *testing.B) {
	for _, size := range []int{400, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			turn := append(make([]byte, headRoom), bytes.Repeat([]byte("x"), size)...)
			b.ReportAllocs()
			for b.Loop() {
				framed(turn)
			}
		})
	}
}

// BenchmarkSend writes one event, or as many as share a write under load, to a
// loopback connection that is read at the other end.
func BenchmarkSend(b *testing.B) {
	for _, events := range []int{1, 64} {
		b.Run(fmt.Sprint("events=", events), func(b *testing.B) {
			w := newWire(loopback(b))
			frame := framed(append(make([]byte, headRoom), bytes.Repeat([]byte("x"), 400*events)...))
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				if err := w.send(frame); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
		})
	}
}

// loopback is one end of a connection; what it sends is thrown away.
func loopback(b *testing.B) net.Conn {
	b.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
		gone <- err
	}()
	var dialer net.Dialer
	conn, err := dialer.DialContext(b.Context(), "tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_, _ = conn.Close(), listener.Close()
		<-gone //nolint:errcheck // a signal, no error
	})
	return conn
}
