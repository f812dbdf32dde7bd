package server_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// source is an event stream, read by the rules of the HTML standard.
type source struct {
	t      *testing.T
	res    *http.Response
	r      *bufio.Reader
	cancel context.CancelFunc
	lastID string
	// comments are the comment lines so far.
	comments int
}

// message is one dispatched event.
type message struct{ id, event, data string }

// listen opens a stream; method and body are GET and nothing where body is empty.
func (h *house) listen(path, body string, headers ...string) *source {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	res, err := (&http.Client{Transport: h.client.Transport}).Do(r) //nolint:bodyclose // the source closes it
	if err != nil {
		h.t.Fatal(err)
	}
	s := &source{t: h.t, res: res, r: bufio.NewReader(res.Body), cancel: cancel}
	h.t.Cleanup(s.close)
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		b, _ := io.ReadAll(res.Body)
		h.t.Fatalf("%s: %d %s", path, res.StatusCode, b)
	}
	return s
}

func (s *source) close() {
	s.cancel()
	_ = s.res.Body.Close()
}

// read waits for the next event; io.EOF when the server ended the stream.
func (s *source) read() (message, error) {
	var m message
	var data []string
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return m, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data == nil:
			m = message{}
		case line == "":
			m.id, m.data = s.lastID, strings.Join(data, "\n")
			sound(s.t, m.data)
			return m, nil
		case field == "":
			s.comments++
		case field == "id":
			s.lastID = value
		case field == "event":
			m.event = value
		case field == "data":
			data = append(data, value)
		}
	}
}

func (s *source) next() message {
	s.t.Helper()
	type result struct {
		message message
		err     error
	}
	got := make(chan result, 1)
	go func() {
		m, err := s.read()
		got <- result{m, err}
	}()
	select {
	case r := <-got:
		if r.err != nil {
			s.t.Fatalf("reading the stream: %v", r.err)
		}
		return r.message
	case <-s.t.Context().Done():
	}
	s.t.Fatal("the test has ended")
	return message{}
}

// expect waits for the next event and compares its data.
func (s *source) expect(event string, want map[string]string) message {
	s.t.Helper()
	m := s.next()
	if m.event != event {
		s.t.Fatalf("the event is %q, want %q: %s", m.event, event, m.data)
	}
	holds(s.t, decode(s.t, []byte(m.data)), want)
	return m
}

// ended waits until the server ends the stream, and returns what it said last.
func (s *source) ended() []string {
	s.t.Helper()
	var said []string
	for {
		m, err := s.read()
		if err != nil {
			return said
		}
		said = append(said, m.data)
	}
}
