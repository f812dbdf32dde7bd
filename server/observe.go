package server

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	began  time.Time
	status int // 0: nothing yet, or the connection was taken over
	bytes  int
}

// WriteHeader remembers the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap gives http.ResponseController the writer below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe counts the request and writes its line into the log: below what is shown
// by default, unless it failed. The query is never in it, for it may hold a token.
func (x *exchange) observe() {
	took, status := time.Since(x.recorder.began), x.recorder.status
	if status == 0 {
		status = http.StatusSwitchingProtocols
	}
	m := x.server.metrics
	m.requests.WithLabelValues(x.r.Pattern, method(x.r.Method), strconv.Itoa(status)).Inc()
	if !x.streaming {
		m.seconds.Observe(took.Seconds())
	}
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError && x.r.Context().Err() == nil { // or nobody was there any more to answer
		level = slog.LevelWarn
	}
	x.server.log.LogAttrs(context.Background(), level, "request",
		slog.String("method", method(x.r.Method)), slog.String("path", clip(redact(x.r.URL.Path))), slog.Int("status", status), slog.Int("bytes", x.recorder.bytes),
		slog.Duration("took", took), slog.String("address", x.address), slog.String("tenant", string(x.who.Tenant)), slog.String("user", x.who.User), slog.String("trace_id", x.trace))
}

// method is a request's method as a metric may have it: a client can invent others.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodDelete, http.MethodOptions:
		return name
	}
	return "OTHER"
}
