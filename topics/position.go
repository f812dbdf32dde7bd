package topics

import (
	"strconv"
	"strings"
)

// MaxVersion is the last version a topic can reach: the largest integer that a
// JSON number holds exactly in every language (RFC 7493, section 2.2).
const MaxVersion Version = 1<<53 - 1

// Version is a position in one topic's log: the number of events so far. It is 0
// for an empty topic and grows by exactly 1 per event.
type Version uint64

// ParseVersion returns the decimal s as a Version, or invalid.
func ParseVersion(s string) (Version, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || Version(n) > MaxVersion || !plainDecimal(s) {
		return 0, Errorf(CodeInvalid, "version", "%q must be a whole number from 0 to 2^53-1", clip(s))
	}
	return Version(n), nil
}

// EpochBytes is the length of an epoch's text.
const EpochBytes = 13

// Epoch is the random name of one incarnation of a topic's log, [a-z2-7]{13}. It
// is never reused; versions compare only within one epoch.
type Epoch string

// ParseEpoch returns s as an Epoch, or invalid.
func ParseEpoch(s string) (Epoch, error) {
	if len(s) != EpochBytes || !all(s, isEpochByte) {
		return "", Errorf(CodeInvalid, "epoch", "%q must be %d of a-z and 2-7", clip(s), EpochBytes)
	}
	return Epoch(s), nil
}

// Position is a place in the life of a topic: an epoch and a version within it.
type Position struct {
	Epoch   Epoch
	Version Version
}

// ParsePosition reads the text form "epoch-version", which is also the ETag, the
// SSE id and the poll cursor.
func ParsePosition(s string) (Position, error) {
	e, v, ok := strings.Cut(s, "-")
	if !ok {
		return Position{}, Errorf(CodeInvalid, "position", "%q must be epoch-version", clip(s))
	}
	epoch, err := ParseEpoch(e)
	if err != nil {
		return Position{}, err
	}
	version, err := ParseVersion(v)
	if err != nil {
		return Position{}, err
	}
	return Position{Epoch: epoch, Version: version}, nil
}

// String is the text form, "epoch-version".
func (p Position) String() string {
	return string(p.Epoch) + "-" + strconv.FormatUint(uint64(p.Version), 10)
}

func isEpochByte(c byte) bool { return c >= 'a' && c <= 'z' || c >= '2' && c <= '7' }

// plainDecimal refuses what ParseUint takes but others do not write: a sign or
// leading zeros. One version has one text.
func plainDecimal(s string) bool {
	return all(s, func(c byte) bool { return c >= '0' && c <= '9' }) && (s == "0" || s[0] != '0')
}
