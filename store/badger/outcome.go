package badger

import (
	"encoding/binary"
	"time"

	"github.com/lockstep-sync/lockstep/topics"
)

// appendOutcome writes version, kind and body of an outcome's record.
func appendOutcome(b []byte, kind byte, o topics.Outcome) []byte {
	b = append(b, recordVersion, kind, byte(o.Status))
	b = binary.AppendUvarint(b, o.Seq)
	b = binary.LittleEndian.AppendUint64(b, o.Hash)
	b = binary.AppendUvarint(b, uint64(o.Version))
	b = binary.AppendUvarint(b, uint64(o.Millis))
	if o.Reject == nil {
		return b
	}
	for _, s := range [...]string{string(o.Reject.Code), o.Reject.Field, o.Reject.Message} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(o.Reject.RetryAfter))
	return binary.AppendUvarint(b, o.Reject.Expected)
}

func decodeOutcome(key []byte, kind byte, record []byte) (topics.Outcome, error) {
	raw, err := unseal(key, kind, record)
	if err != nil {
		return topics.Outcome{}, err
	}
	b := body{rest: raw}
	o := topics.Outcome{Status: topics.Status(b.byte()), Seq: b.uvarint(), Hash: b.uint64()}
	o.Version, o.Millis = topics.Version(b.uvarint()), int64(b.uvarint())
	if o.Status == topics.StatusRejected {
		o.Reject = &topics.Error{Code: topics.Code(b.bytes()), Field: string(b.bytes()), Message: string(b.bytes())}
		o.Reject.RetryAfter, o.Reject.Expected = time.Duration(b.uvarint()), b.uvarint()
	}
	return o, b.err
}
