package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// Clients that nobody here wrote, with nothing else: curl, npm's ws and eventsource, and
// a browser's own WebSocket and EventSource; Go's coder/websocket is that of the
// server's tests.

// outside runs such a client, and hands its lines to the test.
type outside struct {
	t     *testing.T
	lines *bufio.Scanner
}

func runOutside(t *testing.T, folder, program string, args ...string) *outside {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // a browser's driver ends its browser then
	cmd.WaitDelay = patience
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
	})
	return &outside{t, bufio.NewScanner(out)}
}

// runNode runs a script that may import the npm package.
func runNode(t *testing.T, npmPackage, script string) *outside {
	t.Helper()
	node := testdata.Program(t, "install Node 20.19 or later", "node")
	return runOutside(t, testdata.NPM(t, npmPackage), node, "--input-type=module", "-e", script)
}

// expect waits for a line that holds the text.
func (o *outside) expect(text string) string {
	o.t.Helper()
	var said []string
	for o.lines.Scan() {
		if strings.Contains(o.lines.Text(), text) {
			return o.lines.Text()
		}
		said = append(said, o.lines.Text())
	}
	o.t.Fatalf("%q does not come, after %q", text, said)
	return ""
}

// longOnly keeps what starts other programs out of short runs.
func longOnly(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the run is short")
	}
}

func TestCurl(t *testing.T) {
	longOnly(t)
	server := serveIn(t, t.TempDir())
	program := testdata.Program(t, "install curl", "curl")
	curl := runOutside(t, "", program, "-sN", "-H", "Accept: text/event-stream", server.url+"/v1/topics/gift-list:1/events")
	curl.expect("subscribed")
	command(t, server.url, "", "put", "gift-list:1", "g1", `{"name":"kite"}`).must(t)
	curl.expect("id: ")
	curl.expect("event: ADDED")
	if line := curl.expect("data: "); !strings.Contains(line, `"payload":{"name":"kite"}`) {
		t.Errorf("curl hears %s", line)
	}
	server.interrupt(syscall.SIGTERM)
}

// TestNodeWS is npm's ws in plain mode.
func TestNodeWS(t *testing.T) {
	longOnly(t)
	server := serveIn(t, t.TempDir())
	node := runNode(t, "ws", `
		import WebSocket from "ws"
		const ws = new WebSocket("`+strings.Replace(server.url, "http", "ws", 1)+`/v1/ws?user=ann")
		ws.onopen = () => ws.send(JSON.stringify({type: "subscribe", topics: ["gift-list:1"]}))
		ws.onmessage = m => console.log(m.data)
		ws.onclose = e => { console.log("closed " + e.code); process.exit() }`)
	node.expect(`"type":"subscribed"`)
	command(t, server.url, "", "put", "gift-list:1", "g1", `{"name":"kite"}`).must(t)
	node.expect(`"payload":{"name":"kite"}`)
	if code, _ := server.interrupt(syscall.SIGTERM); code != exitOK {
		t.Errorf("the server ended with %d: %s", code, server.said.String())
	}
	node.expect("closed 1012")
}
