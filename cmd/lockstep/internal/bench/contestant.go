//go:build linux

package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// payloadBytes is the size of every payload.
const payloadBytes = 256

// mutation is one publication. n counts all of a run, from 1; seq counts those of a
// publisher on a topic.
type mutation struct {
	client string
	seq, n uint64
	topic  int
	entity int
}

// contestant is a server under load, as the load sees it.
type contestant interface {
	// follower speaks for a line that receives; the line says what.
	follower() talk
	// writer speaks for a line that publishes.
	writer() talk
	// publish appends the bytes that publish all of ms.
	publish(dst []byte, ms []mutation) []byte
}

// Names of contestants.
const (
	product = "lockstep"
	against = "other build" // of lockstep
	bareWS  = "ws"
	socket  = "socket.io"
	stream  = "jetstream"
)

// viaHTTP says that writers use requests instead of WebSockets.
func newContestant(name string, viaHTTP bool) (contestant, error) {
	switch {
	case (name == product || name == against) && viaHTTP:
		return overHTTP{}, nil
	case name == product, name == against:
		return lockstep{}, nil
	case name == bareWS:
		return plainSocket{}, nil
	case name == socket:
		return socketIO{}, nil
	case name == stream:
		return jetStream{}, nil
	}
	return nil, fmt.Errorf("there is no contestant %q", name)
}

var padding = strings.Repeat("x", payloadBytes)

// appendPayload appends a JSON object of payloadBytes that holds n.
func appendPayload(dst []byte, n uint64) []byte {
	start := len(dst)
	dst = append(dst, `{"n":`...)
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, `,"pad":"`...)
	dst = append(dst, padding[:payloadBytes-(len(dst)-start)-2]...)
	return append(dst, `"}`...)
}

// number reads the digits at the start of b.
func number(b []byte) (n uint64, digits int) {
	for digits < len(b) && b[digits]-'0' < 10 {
		n = n*10 + uint64(b[digits]-'0')
		digits++
	}
	return n, digits
}
