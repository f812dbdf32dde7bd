package badger

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// The key spaces: the first byte of every key. FORMAT.md draws them.
const (
	spaceMeta    = 'm' // what there is once per store
	spaceHead    = 'h' // one per topic with commits
	spaceData    = 'd' // what belongs to an incarnation of a topic
	spaceGarbage = 'g' // incarnations that were deleted and wait to be swept
)

// The kinds within an incarnation, in key order.
const (
	kindLog     = 'e' // version → event
	kindKey     = 'k' // user, idempotency key → outcome
	kindLast    = 'l' // version → the last event of its entity
	kindOutcome = 'o' // user, client, seq mod MaxInFlight → outcome
	kindEntity  = 'r' // entity id → version and kind of its entry in the last list
)

const versionBytes = 8

// appendTopic writes the topic so that keys sort by tenant, then name. Neither can
// hold a zero byte, which ends each.
func appendTopic(b []byte, t store.Topic) []byte {
	b = append(b, t.Tenant...)
	b = append(b, 0)
	b = append(b, t.Name...)
	return append(b, 0)
}

func headKey(t store.Topic) []byte {
	return appendTopic([]byte{spaceHead}, t)
}

// dataPrefix is what the keys of one incarnation have in common.
func dataPrefix(t store.Topic, birth uint64) []byte {
	b := make([]byte, 0, 3+len(t.Tenant)+len(t.Name)+versionBytes+1+versionBytes)
	return binary.BigEndian.AppendUint64(appendTopic(append(b, spaceData), t), birth)
}

// garbageKey names a deleted incarnation; behind the first byte it is its dataPrefix.
func garbageKey(t store.Topic, birth uint64) []byte {
	k := dataPrefix(t, birth)
	k[0] = spaceGarbage
	return k
}

func appendVersion(b []byte, kind byte, v topics.Version) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), uint64(v))
}

func appendEntity(b []byte, entityID string) []byte {
	return append(append(b, kindEntity), entityID...)
}

func appendLane(b []byte, lane store.LaneKey) []byte {
	b = binary.AppendUvarint(append(b, kindOutcome), uint64(len(lane.User)))
	b = append(b, lane.User...)
	b = binary.AppendUvarint(b, uint64(len(lane.Client)))
	return append(b, lane.Client...)
}

func appendSlot(b []byte, lane store.LaneKey, seq uint64) []byte {
	return append(appendLane(b, lane), byte(seq%topics.MaxInFlight))
}

func appendIdempotencyKey(b []byte, key store.IdempotencyKey) []byte {
	b = binary.AppendUvarint(append(b, kindKey), uint64(len(key.User)))
	b = append(b, key.User...)
	return append(b, key.Key...)
}

// versionOf is the version at the end of a key of kindLog or kindLast.
func versionOf(key []byte) topics.Version {
	if len(key) < versionBytes {
		return 0
	}
	return topics.Version(binary.BigEndian.Uint64(key[len(key)-versionBytes:]))
}

// topicOf reads the topic of a key of spaceHead, spaceData or spaceGarbage, and
// what follows it.
func topicOf(key []byte) (store.Topic, []byte, error) {
	if len(key) > 0 {
		tenant, rest, ok := bytes.Cut(key[1:], []byte{0})
		name, rest, ok2 := bytes.Cut(rest, []byte{0})
		if ok && ok2 {
			return store.Topic{Tenant: topics.Tenant(tenant), Name: topics.Name(name)}, rest, nil
		}
	}
	return store.Topic{}, nil, fmt.Errorf("key %q names no topic", key)
}
