package server

import (
	"io"
	"sync"
)

// Bounds of the pooled buffers: what one starts with, and what one may have grown
// to and still go back.
const (
	freshBytes  = 64 << 10
	pooledBytes = 256 << 10
)

// buffer is scratch space for one message or one turn of a writer. A connection
// holds one only while bytes pass.
type buffer struct{ bytes []byte }

var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, freshBytes)} }}

func takeBuffer() *buffer {
	b, ok := buffers.Get().(*buffer)
	if !ok {
		panic("server: something else is in the pool of buffers")
	}
	b.bytes = b.bytes[:0]
	return b
}

func (b *buffer) giveBack() {
	if cap(b.bytes) <= pooledBytes {
		buffers.Put(b)
	}
}

// readFrom appends all that r gives.
func (b *buffer) readFrom(r io.Reader) error {
	for {
		if len(b.bytes) == cap(b.bytes) {
			b.bytes = append(b.bytes, 0)[:len(b.bytes)]
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if err == io.EOF { //nolint:errorlint // io.Reader returns it bare
			return nil
		}
		if err != nil {
			return err
		}
	}
}
