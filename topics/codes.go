package topics

import "maps"

import "net/http"

// Code names what went wrong. Codes are the same words on every transport.
type Code string

// Retry says what a client may do after an error.
type Retry string

// The retries.
const (
	RetryNever Retry = "never" // the same request will fail again
	RetryLater Retry = "later" // nothing was decided; send it again
	RetryAuth  Retry = "auth"  // send it again with a new token
)

// The codes, in the order of the table below.
const (
	CodeInvalid         Code = "invalid"
	CodeInvalidTopic    Code = "invalid_topic"
	CodeUnknownType     Code = "unknown_type"
	CodeTooLarge        Code = "too_large"
	CodeUnauthorized    Code = "unauthorized"
	CodeForbidden       Code = "forbidden"
	CodeNotFound        Code = "not_found"
	CodeMethod          Code = "method_not_allowed"
	CodeMediaType       Code = "unsupported_media_type"
	CodeConflict        Code = "conflict"
	CodePatchFailed     Code = "patch_failed"
	CodeEpochChanged    Code = "epoch_changed"
	CodeNeeds           Code = "needs_rejected"
	CodeRejected        Code = "rejected"
	CodeGap             Code = "gap"
	CodeExpired         Code = "expired"
	CodeSeqReused       Code = "seq_reused"
	CodeKeyReused       Code = "key_reused"
	CodeKeyRequired     Code = "key_required"
	CodeTooManyInFlight Code = "too_many_in_flight"
	CodeTooManyTopics   Code = "too_many_topics"
	CodeTooManySessions Code = "too_many_sessions"
	CodeRateLimited     Code = "rate_limited"
	CodeOverloaded      Code = "overloaded"
	CodeStorageFull     Code = "storage_full"
	CodeOutcomeUnknown  Code = "outcome_unknown"
	CodeUnavailable     Code = "unavailable"
	CodeDamaged         Code = "damaged"
	CodeTooSlow         Code = "too_slow"
	CodeInternal        Code = "internal"
)

// Meaning is a code's row in the table: how each transport says it.
type Meaning struct {
	HTTP  int   // status of an HTTP answer
	Close int   // WebSocket close code where the error ends the connection; 0: it survives
	Retry Retry // what the client may do
	// Reconnect says whether a connection closed for this is worth dialing again.
	Reconnect bool
}

// codes is the one table. conformance/protocol/codes.json says the same, and a
// test holds them together.
var codes = map[Code]Meaning{
	CodeInvalid:         {http.StatusBadRequest, 0, RetryNever, true},
	CodeInvalidTopic:    {http.StatusBadRequest, 0, RetryNever, true},
	CodeUnknownType:     {http.StatusBadRequest, 0, RetryNever, true},
	CodeTooLarge:        {http.StatusRequestEntityTooLarge, 1009, RetryNever, true},
	CodeUnauthorized:    {http.StatusUnauthorized, 4401, RetryAuth, true},
	CodeForbidden:       {http.StatusForbidden, 4403, RetryNever, false},
	CodeNotFound:        {http.StatusNotFound, 0, RetryNever, true},
	CodeMethod:          {http.StatusMethodNotAllowed, 0, RetryNever, true},
	CodeMediaType:       {http.StatusUnsupportedMediaType, 0, RetryNever, true},
	CodeConflict:        {http.StatusPreconditionFailed, 0, RetryNever, true},
	CodePatchFailed:     {http.StatusUnprocessableEntity, 0, RetryNever, true},
	CodeEpochChanged:    {http.StatusConflict, 0, RetryNever, true},
	CodeNeeds:           {http.StatusFailedDependency, 0, RetryNever, true},
	CodeRejected:        {http.StatusUnprocessableEntity, 0, RetryNever, true},
	CodeGap:             {http.StatusConflict, 0, RetryLater, true},
	CodeExpired:         {http.StatusGone, 0, RetryNever, true},
	CodeSeqReused:       {http.StatusUnprocessableEntity, 0, RetryNever, true},
	CodeKeyReused:       {http.StatusUnprocessableEntity, 0, RetryNever, true},
	CodeKeyRequired:     {http.StatusBadRequest, 0, RetryNever, true},
	CodeTooManyInFlight: {http.StatusTooManyRequests, 0, RetryLater, true},
	CodeTooManyTopics:   {http.StatusTooManyRequests, 0, RetryNever, true},
	CodeTooManySessions: {http.StatusTooManyRequests, 1013, RetryLater, true},
	CodeRateLimited:     {http.StatusTooManyRequests, 1008, RetryLater, true},
	CodeOverloaded:      {http.StatusServiceUnavailable, 1013, RetryLater, true},
	CodeStorageFull:     {http.StatusInsufficientStorage, 0, RetryLater, true},
	CodeOutcomeUnknown:  {http.StatusServiceUnavailable, 1012, RetryLater, true},
	CodeUnavailable:     {http.StatusServiceUnavailable, 1012, RetryLater, true},
	CodeDamaged:         {http.StatusInternalServerError, 0, RetryNever, true},
	CodeTooSlow:         {http.StatusRequestTimeout, 4408, RetryLater, true},
	CodeInternal:        {http.StatusInternalServerError, 1011, RetryLater, true},
}

// Meaning is the code's row. A code outside the table is a mistake of ours.
func (c Code) Meaning() Meaning {
	m, ok := codes[c]
	if !ok {
		panic("topics: code " + string(c) + " is not in the table")
	}
	return m
}

// Codes returns every code with its row.
func Codes() map[Code]Meaning {
	all := make(map[Code]Meaning, len(codes))
	maps.Copy(all, codes)
	return all
}
