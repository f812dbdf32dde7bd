package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A client that never answers does not hold up the end: the first signal waits for
// it a little, and the second one not at all.
func TestSecondSignal(t *testing.T) {
	server := serveIn(t, t.TempDir())
	deaf(t, server.url)
	if err := server.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, func() bool { // it is ending
		response, err := http.Get(server.url + "/readyz")
		if err != nil {
			return true
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusServiceUnavailable
	})
	if code, took := server.interrupt(syscall.SIGINT); code != -1 || took > goodbye/2 {
		t.Errorf("the second signal: code %d after %s", code, took)
	}
}

func TestDeafClientIsCut(t *testing.T) {
	server := serveIn(t, t.TempDir())
	deaf(t, server.url)
	if code, took := server.interrupt(syscall.SIGTERM); code != exitOK || took > goodbye+5*time.Second {
		t.Errorf("code %d after %s: %s", code, took, server.said.String())
	}
}

// deaf opens a WebSocket that nobody listens to.
func deaf(t *testing.T, url string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET /v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", strings.TrimPrefix(url, "http://"))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "101") {
		t.Fatalf("the upgrade was answered with %q (%v)", line, err)
	}
}
