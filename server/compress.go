package server

import (
	"bytes"
	"compress/gzip"
	"strings"
	"sync"
)

// compressFrom is how long an answer has to be for compression to be worth it.
const compressFrom = 1 << 10

var compressors = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic("server: gzip refuses its own level: " + err.Error())
	}
	return w
}}

// sendLarge is send for what may be long and is made of text: compressed where the
// client takes that. The entity tag is the topic's position in both forms.
func (x *exchange) sendLarge(status int, contentType string, body []byte) error {
	x.w.Header().Add("Vary", "Accept-Encoding")
	if len(body) < compressFrom || !acceptsGzip(x.r.Header.Values("Accept-Encoding")) {
		return x.send(status, contentType, body)
	}
	w, ok := compressors.Get().(*gzip.Writer)
	if !ok {
		panic("server: something else is in the pool of compressors")
	}
	defer compressors.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	x.w.Header().Set("Content-Encoding", "gzip")
	return x.send(status, contentType, b.Bytes())
}

// acceptsGzip reports whether a client names gzip and does not refuse it.
func acceptsGzip(lines []string) bool {
	for _, coding := range tags(lines) {
		name, quality, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if strings.EqualFold(name, "gzip") {
			return strings.Trim(strings.TrimPrefix(quality, "q="), "0.") != "" || quality == ""
		}
	}
	return false
}
