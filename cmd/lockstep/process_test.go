package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// process is the program in a process of its own.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	url  string
	temp string       // where it makes temporary files
	said bytes.Buffer // on standard error
}

var printedURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// quickExit keeps the race detector from sleeping a second at the end of a process.
const quickExit = "atexit_sleep_ms=0"

// start runs the program and waits until it prints a URL.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), self, args...), temp: t.TempDir()}
	p.cmd.Env = append(os.Environ(), beMain+"=1", "TMPDIR="+p.temp, "LOCKSTEP_TESTDATA=", "GORACE="+quickExit)
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		p.url = printedURL.FindString(lines.Text())
	}
	if p.url == "" {
		t.Fatalf("no URL was printed (%v): %s", p.cmd.Wait(), p.said.String())
	}
	return p
}

// serveIn runs a server over a directory.
func serveIn(t testing.TB, dir string) *process {
	t.Helper()
	return start(t, "serve", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", dir)
}

// kill ends the process as a power cut would, but for the disk's own cache.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // it was killed
}

// interrupt asks the process to end, and returns its exit code and how long it took.
func (p *process) interrupt(sig syscall.Signal) (int, time.Duration) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(began)
}
