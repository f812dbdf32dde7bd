package server

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// traceID is the trace of a request, and of the connection that it becomes: that of its traceparent header (W3C Trace
// Context), or a new one.
func traceID(r *http.Request) string {
	parts := strings.Split(r.Header.Get("Traceparent"), "-")
	if len(parts) >= 4 && parts[0] != "ff" && isTraceID(parts[1]) {
		return parts[1]
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

func isTraceID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}
