package server

import (
	"bytes"
	"encoding/binary"
)

// Our own frames stand beside the library's: it makes the handshake and the control
// frames, and reads; messages are framed here, where their bytes already lie, and go
// to the wire in one write.
const (
	// headRoom is the room that a message needs in front of it to become a frame.
	headRoom = 10

	wholeText   = 0x81 // the first byte of a frame that is a whole text message
	opcodeClose = 0x08
	opcodeBits  = 0x0f
)

// framed puts a frame's head before the message that begins at headRoom in b, and
// returns the frame.
func framed(b []byte) []byte {
	size := len(b) - headRoom
	var head [headRoom]byte
	n := len(appendHead(head[:0], size))
	frame := b[headRoom-n:]
	copy(frame, head[:n])
	return frame
}

// appendHead appends the head of a text message of so many bytes.
func appendHead(dst []byte, size int) []byte {
	switch {
	case size < 126:
		return append(dst, wholeText, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, wholeText, 126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(dst, wholeText, 127), uint64(size)) //nolint:gosec // not negative
	}
}

// appendFrames appends each line as a message of its own.
func appendFrames(dst, lines []byte) []byte {
	for line := range bytes.SplitSeq(lines, []byte{'\n'}) {
		dst = append(appendHead(dst, len(line)), line...)
	}
	return dst
}
