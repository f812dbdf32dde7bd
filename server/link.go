package server

import (
	"io"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// link is one peer on a message-oriented line. One goroutine receives; one at a
// time sends. cut may be called from anywhere, and ends both.
type link interface {
	// receive waits for the next text message. io.EOF means that the peer is gone;
	// an *ending, that it must be told goodbye. The caller gives the buffer back.
	receive() (*buffer, error)
	// send writes bytes as one message. It waits as long as it takes; cut ends it.
	send(message []byte) error
	// sendFrames writes messages that are frames already, in one go; see frames.go.
	sendFrames(frames []byte) error
	// sendNow writes as much of such messages as the line takes without waiting. When
	// that is not all, rest writes what is left, and waits as long as it takes. The
	// caller calls it before anything else is sent, and may use the bytes again.
	sendNow(frames []byte) (rest func() error, err error)
	// ping asks for a sign of life and waits until it comes, or free ends it.
	ping() error
	// close says goodbye and waits for the peer to do so too, for a bounded time.
	close(e ending)
	// cut ends the line at once.
	cut()
	// free gives up what the link holds, once nobody receives or sends any more.
	free()
	// heard is when the peer last gave a sign of life.
	heard() time.Time
	// stuck is for how long the write under way has made no progress; 0 without one.
	stuck() time.Duration
}

// errGone is a peer that went away.
var errGone = io.EOF

// ending is how a connection ends: what the peer is told.
type ending struct {
	code   int    // WebSocket close code
	reason string // a code of the table, or a word; at most 123 bytes
}

// Error makes an ending travel as the reason why nothing more can be received.
func (e *ending) Error() string { return "close " + e.reason }

// Close codes that no code of the table stands for.
const (
	closeUnsupported = 1003 // a binary message
	closeNotUTF8     = 1007
	closeRestart     = 1012 // a planned end: dial again
)

// endingOf is the ending that the table has for an error; ok is false where the
// connection survives it.
func endingOf(e *topics.Error) (ending, bool) {
	code := e.Code.Meaning().Close
	return ending{code: code, reason: string(e.Code)}, code != 0
}
