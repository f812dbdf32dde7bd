// Package epoch derives the names of log incarnations. Two stores never share one,
// nor do two incarnations of a topic, because the key is the store's own random
// incarnation and the birth is a commit number, which is used once.
package epoch

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"

	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/topics"
)

// Incarnation is the random key of one life of a store. Writing another one
// changes every epoch in it.
type Incarnation [32]byte

// New returns a fresh incarnation.
func New() Incarnation {
	var in Incarnation
	_, _ = rand.Read(in[:]) // never fails: it crashes the program instead
	return in
}

var text = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Of is the epoch of the topic's incarnation that began with commit number birth. The
// genesis epoch of a topic without commits is that of the commit number of its last
// deletion, or of 0.
func (in Incarnation) Of(topic store.Topic, birth uint64) topics.Epoch {
	h := hmac.New(sha256.New, in[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], birth)
	h.Write(n[:])
	h.Write([]byte{byte(len(topic.Tenant))})
	h.Write([]byte(topic.Tenant))
	h.Write([]byte(topic.Name))
	return topics.Epoch(text.EncodeToString(h.Sum(nil)[:8]))
}
