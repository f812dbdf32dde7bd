package server

import (
	"io"
	"net/http"
)

// healthz says that the process answers.
func healthz(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n")
}

// readyz says whether new clients should come here: not once draining began.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if s.requests.draining() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "draining\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
