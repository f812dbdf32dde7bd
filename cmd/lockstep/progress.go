package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// How often progress is shown: a line that is drawn over on a terminal, and lines
// one after the other elsewhere.
const (
	drawEvery = 150 * time.Millisecond
	lineEvery = 10 * time.Second
)

// meter counts the bytes that are read.
type meter struct {
	r     io.Reader
	bytes atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.bytes.Add(int64(n))
	return n, err
}

// progress shows how far something has got, until it is stopped.
type progress struct {
	quit, ended chan struct{}
}

// startProgress shows what text says.
func startProgress(w io.Writer, text func() string) *progress {
	p := &progress{quit: make(chan struct{}), ended: make(chan struct{})}
	go p.run(w, isTerminal(w), text)
	return p
}

func (p *progress) run(w io.Writer, terminal bool, text func() string) {
	defer close(p.ended)
	every, form := lineEvery, "%s\n"
	if terminal {
		every, form = drawEvery, "\r%s\x1b[K"
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			fmt.Fprintf(w, form, text())
		case <-p.quit:
			if terminal {
				fmt.Fprint(w, "\r\x1b[K")
			}
			return
		}
	}
}

// stop ends it and takes the line away.
func (p *progress) stop() {
	close(p.quit)
	<-p.ended
}

// progressText is a bar where the whole is known, and the rows read.
func progressText(done, whole int64, rows int) string {
	if whole <= 0 {
		return fmt.Sprintf("%d rows", rows)
	}
	const width = 30
	filled := int(min(done, whole) * width / whole)
	return fmt.Sprintf("[%s%s] %3d %%  %d rows", strings.Repeat("#", filled), strings.Repeat(".", width-filled), min(done, whole)*100/whole, rows)
}

// isTerminal reports whether w is a device that shows characters.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
