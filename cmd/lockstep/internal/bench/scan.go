//go:build linux

package bench

import "bytes"

// epochBytes is how long an epoch is.
const epochBytes = 13

// topicHead reads `,"topic":"bench:N"`.
func topicHead(b []byte) (topic int, rest []byte, err error) {
	const head = `,"topic":"bench:`
	if !bytes.HasPrefix(b, []byte(head)) {
		return 0, nil, unexpected(b)
	}
	n, digits := number(b[len(head):])
	return int(n), b[len(head)+digits+1:], nil //nolint:gosec // small
}

// eventsHead reads the fields between the type of an events frame and its events:
// the topic, the epoch, where a run ends, from and to.
func eventsHead(b []byte) (topic int, from, to uint64, err error) {
	topic, rest, err := topicHead(b)
	if err != nil {
		return 0, 0, 0, err
	}
	const epoch, version, start, end = `,"epoch":"`, `,"version":`, `,"from":`, `,"to":`
	if len(rest) < len(epoch)+epochBytes+1 {
		return 0, 0, 0, unexpected(b)
	}
	rest = rest[len(epoch)+epochBytes+1:]
	if bytes.HasPrefix(rest, []byte(version)) {
		_, digits := number(rest[len(version):])
		rest = rest[len(version)+digits:]
	}
	if !bytes.HasPrefix(rest, []byte(start)) {
		return 0, 0, 0, unexpected(b)
	}
	from, digits := number(rest[len(start):])
	rest = rest[len(start)+digits:]
	if !bytes.HasPrefix(rest, []byte(end)) {
		return 0, 0, 0, unexpected(b)
	}
	to, _ = number(rest[len(end):])
	return topic, from, to, nil
}
