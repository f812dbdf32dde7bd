package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

// A second server over the same directory says why it cannot be.
func TestServeDataInUse(t *testing.T) {
	dir := t.TempDir()
	first := serveIn(t, dir)
	o := command(t, "", "", "serve", "--dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", dir)
	if o.code != exitFailed || !strings.Contains(o.err, "another process has it open; stop that one, or name another directory with --data") {
		t.Errorf("code %d: %s", o.code, o.err)
	}
	o = command(t, "", "", "serve", "--dev", "--listen", strings.TrimPrefix(first.url, "http://"), "--data", t.TempDir())
	if o.code != exitFailed || !strings.Contains(o.err, "is in use by another program; name another address with --listen") {
		t.Errorf("code %d: %s", o.code, o.err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT} {
		if code, _ := first.interrupt(sig); code != exitOK {
			t.Errorf("%s: code %d: %s", sig, code, first.said.String())
		}
	}
}

// A tail goes on by itself when the server is stopped and started again: it misses
// nothing and repeats nothing (P5).
func TestTailOverRestart(t *testing.T) {
	dir, address := t.TempDir(), freeAddress(t)
	serve := func() *process {
		return start(t, "serve", "--dev", "--listen", address, "--admin-listen", "127.0.0.1:0", "--data", dir)
	}
	server := serve()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errs := &lines{}, &lines{}
	tailed := make(chan int, 1)
	go func() {
		env := func(string) string { return "" }
		c := console{in: strings.NewReader(""), out: out, err: errs, env: env}
		tailed <- run(ctx, c, []string{"tail", "gift-list:1", "--url", server.url})
	}()
	waitUntil(t, func() bool { return strings.Contains(errs.text(), "following gift-list:1 after ") })
	put := func(id, want string) {
		t.Helper()
		command(t, server.url, "", "put", "gift-list:1", id, `{}`).must(t)
		waitUntil(t, func() bool { return out.text() == want })
	}
	put("a", "1\tADDED\ta\t{}\n")
	put("b", "1\tADDED\ta\t{}\n2\tADDED\tb\t{}\n")
	if code, _ := server.interrupt(syscall.SIGTERM); code != exitOK {
		t.Errorf("the server ended with %d: %s", code, server.said.String())
	}
	waitUntil(t, func() bool { return strings.Contains(errs.text(), "trying again") })
	server = serve()
	put("c", "1\tADDED\ta\t{}\n2\tADDED\tb\t{}\n3\tADDED\tc\t{}\n")
	waitUntil(t, func() bool { return strings.Contains(errs.text(), "connected again") })
	cancel()
	if code := <-tailed; code != exitOK {
		t.Errorf("tail ended with %d: %s", code, errs.text())
	}
	_, text, ok := strings.Cut(errs.text(), "stopped; go on with --after ")
	position, err := topics.ParsePosition(strings.TrimSpace(text))
	if !ok || err != nil || position.Version != 3 {
		t.Errorf("tail says %q at its end", errs.text())
	}
	server.interrupt(syscall.SIGTERM)
}

// With strict topics a client hears which types are not declared.
func TestServeStrictTopics(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lockstep.yaml")
	if err := os.WriteFile(file, []byte("dev: true\ntopics: {strict: true, types: [doc]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, "serve", "--config", file, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir())
	command(t, server.url, "", "put", "doc:1", "a", `{}`).must(t)
	o := command(t, server.url, "", "put", "dok:1", "a", `{}`)
	if o.code == exitOK || !strings.Contains(o.err, `topic has the type "dok", which is not declared here; declare it, or correct the name`) {
		t.Errorf("code %d: %s", o.code, o.err)
	}
	server.interrupt(syscall.SIGTERM)
}

// lines is what somebody has written so far.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// freeAddress is one that nobody listens at, so that a server can come back to it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
