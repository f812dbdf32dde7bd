package server_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// outside runs a client that nobody here wrote, and hands its lines to the test. Where
// the client is not installed the test is skipped.
type outside struct {
	t     *testing.T
	lines *bufio.Scanner
}

func runOutside(t *testing.T, folder, name string, args ...string) *outside {
	t.Helper()
	program, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*patient)
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // a program by its name
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // a browser's driver ends its browser then
	cmd.WaitDelay = patient
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
		_ = cmd.Wait()
	})
	return &outside{t, bufio.NewScanner(out)}
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

// clientFolder is where npm packages are installed. The test is skipped without the one.
func clientFolder(t *testing.T, npmPackage string) string {
	t.Helper()
	folder := filepath.Join("..", "clientjs")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", npmPackage)); err != nil {
		t.Skipf("npm package %s is not installed; run npm ci in clientjs", npmPackage)
	}
	return folder
}

func TestCurl(t *testing.T) {
	h := open(t)
	curl := runOutside(t, "", "curl", "-sN", "-H", "Accept: text/event-stream", h.url+"/v1/topics/gift-list:1/events")
	curl.expect("subscribed")
	h.put("gift-list:1", "g1", `{"name":"kite"}`)
	curl.expect("id: ")
	curl.expect("event: ADDED")
	if line := curl.expect("data: "); !strings.Contains(line, `"payload":{"name":"kite"}`) {
		t.Errorf("curl hears %s", line)
	}
}

// TestNodeWS is npm's ws in plain mode, with nothing else.
func TestNodeWS(t *testing.T) {
	h := open(t)
	node := runOutside(t, clientFolder(t, "ws"), "node", "--input-type=module", "-e", `
		import WebSocket from "ws"
		const ws = new WebSocket("`+strings.Replace(h.url, "http", "ws", 1)+`/v1/ws?user=ann")
		ws.onopen = () => ws.send(JSON.stringify({type: "subscribe", topics: ["gift-list:1"]}))
		ws.onmessage = m => console.log(m.data)
		ws.onclose = e => { console.log("closed " + e.code); process.exit() }`)
	node.expect(`"type":"subscribed"`)
	h.put("gift-list:1", "g1", `{"name":"kite"}`)
	node.expect(`"payload":{"name":"kite"}`)
	if err := h.server.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	node.expect("closed 1012")
}

// TestBrowser is a browser's own EventSource and WebSocket, with nothing else.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Skip("chromium is not installed, or the run is short")
	}
	h := open(t)
	node := runOutside(t, clientFolder(t, "playwright-core"), "node", "--input-type=module", "-e", `
		import { chromium } from "playwright-core"
		const browser = await chromium.launch({ executablePath: "`+chromium+`", args: ["--no-sandbox"] })
		const page = await browser.newPage()
		page.on("console", m => console.log(m.text()))
		await page.goto("`+h.url+`/healthz")
		await page.evaluate(() => {
			const stream = new EventSource("/v1/topics/gift-list:1/events")
			stream.onmessage = m => console.log("stream " + m.lastEventId + " " + m.data)
			for (const name of ["ADDED", "UPDATED"]) stream.addEventListener(name, m => console.log("stream " + name + " " + m.lastEventId + " " + m.data))
			stream.onerror = () => console.log("stream lost " + stream.readyState)
			const socket = new WebSocket(location.origin.replace("http", "ws") + "/v1/ws")
			socket.onopen = () => socket.send(JSON.stringify({type: "subscribe", topics: ["gift-list:1"]}))
			socket.onmessage = m => console.log("socket " + m.data)
		})
		process.stdin.resume()
		await new Promise(() => {})`)
	node.expect("subscribed")
	node.expect("subscribed")
	h.put("gift-list:1", "g1", `{"name":"kite"}`)
	var heard string
	for range 2 {
		heard += node.expect(`"version":1`)
	}
	if !strings.Contains(heard, "stream ADDED ") || !strings.Contains(heard, "socket {") {
		t.Errorf("the browser hears %s", heard)
	}
}
