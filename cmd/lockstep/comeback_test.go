package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/lockstep-sync/lockstep/topics/testdata"
)

// storm is a server that goes down and comes back, over a line that breaks, while
// somebody writes.
type storm struct {
	t            *testing.T
	dir, address string
	server       *process
	line         *cutter
	version      int // of the topic
}

const stormTopic = "gift-list:1"

func newStorm(t *testing.T) *storm {
	t.Helper()
	s := &storm{t: t, dir: t.TempDir(), address: freeAddress(t)}
	s.serve()
	s.line = newCutter(t, s.address)
	s.write(1) // a topic has its epoch from its first event on
	return s
}

func (s *storm) serve() {
	s.t.Helper()
	s.server = start(s.t, "serve", "--dev", "--listen", s.address, "--admin-listen", "127.0.0.1:0", "--data", s.dir)
}

// write makes n events, each of an entity of its own: none supersedes another.
func (s *storm) write(n int) {
	s.t.Helper()
	for range n {
		s.version++
		command(s.t, s.server.url, "", "put", stormTopic, fmt.Sprint("g", s.version), `{"name":"kite"}`).must(s.t)
	}
}

// blow has everything happen that ends a connection: the line is cut in the middle of
// an event, the server is killed, and it is stopped in order. After each the listeners
// must have heard all there is before the next comes.
func (s *storm) blow(heard func()) {
	s.t.Helper()
	s.write(3)
	heard()
	const inAnEvent = 700 // two events and a half, or one and a half to two listeners
	cut := s.line.cutAfter(inAnEvent)
	s.write(6)
	<-cut
	s.write(3)
	heard()
	s.server.kill()
	s.serve()
	s.write(3)
	heard()
	s.server.interrupt(syscall.SIGTERM)
	s.serve()
	s.write(3)
	heard()
	s.server.interrupt(syscall.SIGTERM)
}

// listener is one that says "NAME VERSION" for every event.
type listener struct {
	name string
	at   int
}

// hear waits until all listeners are at the version: each came by every one, once, in
// order (P5).
func (s *storm) hear(from *outside, listeners ...*listener) {
	s.t.Helper()
	behind := func() bool {
		for _, l := range listeners {
			if l.at < s.version {
				return true
			}
		}
		return false
	}
	for behind() {
		line := from.expect(" version ")
		for _, l := range listeners {
			if !strings.HasPrefix(line, l.name+" ") {
				continue
			}
			if l.at++; line != fmt.Sprintf("%s version %d", l.name, l.at) {
				s.t.Fatalf("after %d comes %q", l.at-1, line)
			}
		}
	}
}

// TestNodeEventSource is npm's eventsource: it comes back by itself and goes on with
// Last-Event-ID, and nothing is missed or comes twice (P5).
func TestNodeEventSource(t *testing.T) {
	longOnly(t)
	s := newStorm(t)
	node := runNode(t, "eventsource", `
		import { EventSource } from "eventsource"
		const stream = new EventSource("`+s.line.url+`/v1/topics/`+stormTopic+`/events")
		stream.onopen = () => console.log("open")
		stream.addEventListener("ADDED", m => console.log("stream version " + JSON.parse(m.data).version))`)
	node.expect("open")
	stream := &listener{"stream", s.version}
	s.blow(func() { s.hear(node, stream) })
}

// TestBrowser is a browser's own EventSource, which comes back by itself, and its
// WebSocket, whose page dials again and says where it was: neither misses anything or
// hears anything twice (P5, P11).
func TestBrowser(t *testing.T) {
	longOnly(t)
	chromium := testdata.Chromium(t)
	s := newStorm(t)
	node := runNode(t, "playwright-core", `
		import { chromium } from "playwright-core"
		const browser = await chromium.launch({ executablePath: "`+chromium+`", args: ["--no-sandbox"] })
		const page = await browser.newPage()
		page.on("console", m => console.log(m.text()))
		await page.goto("`+s.line.url+`/healthz")
		await page.evaluate(topic => {
			const stream = new EventSource("/v1/topics/" + topic + "/events")
			stream.onopen = () => console.log("stream open")
			stream.addEventListener("ADDED", m => console.log("stream version " + JSON.parse(m.data).version))
			let at = {}
			const dial = () => {
				const socket = new WebSocket(location.origin.replace("http", "ws") + "/v1/ws")
				socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", topics: [{ topic, ...at }] }))
				socket.onmessage = m => {
					const said = JSON.parse(m.data)
					if (said.type === "subscribed") at.epoch = said.epoch, console.log("socket open")
					if (said.event) console.log("socket version " + said.version)
					at.version = said.version
				}
				socket.onclose = () => setTimeout(dial, 100)
			}
			dial()
		}, "`+stormTopic+`")
		process.stdin.resume()
		await new Promise(() => {})`)
	node.expect(" open")
	node.expect(" open")
	stream, socket := &listener{"stream", s.version}, &listener{"socket", s.version}
	s.blow(func() { s.hear(node, stream, socket) })
}
