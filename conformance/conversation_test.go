package conformance_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lockstep-sync/lockstep/conformance"
)

// conversation is what is said over WebSocket connections, in order. Each has its own
// topics.
type conversation struct {
	Name  string
	Rules []string // of SPEC.md, that it shows
	Steps []struct {
		By    string // whose connection
		Says  json.RawMessage
		Text  string // a message that is no frame, in place of Says
		Hears []json.RawMessage
	}
}

// patient is how long a frame that must come may take.
const patient = 10 * time.Second

// TestConversations plays the conversations against a server whose clock stands still.
func TestConversations(t *testing.T) {
	var file struct {
		About         string
		Conversations []conversation
	}
	if err := conformance.Read("protocol/conversations.json", &file); err != nil {
		t.Fatal(err)
	}
	base := startServer(t)
	for _, c := range file.Conversations {
		t.Run(c.Name, func(t *testing.T) { c.play(t, base) })
	}
}

func (c conversation) play(t *testing.T, base string) {
	t.Helper()
	parties, b := make(map[string]*party), make(bindings)
	for i, s := range c.Steps {
		p := parties[s.By]
		if p == nil {
			p = join(t, base, s.By)
			parties[s.By] = p
		}
		message := s.Text
		if s.Says != nil {
			message = strings.TrimSpace(asText(t, s.Says))
		}
		if message != "" {
			p.say(b.onWire(message))
		}
		for _, frame := range s.Hears {
			want := strings.TrimSpace(asText(t, frame))
			got := p.hear()
			if said := b.inFile(got, want); said != prose.ReplaceAllString(want, "$1") {
				t.Fatalf("step %d, %s hears\n%s\nwant\n%s", i+1, s.By, got, want)
			}
		}
	}
	for name, p := range parties { // nothing else was said
		p.say(`{"type":"ping"}`)
		if got := p.hear(); got != `{"type":"pong"}` {
			t.Errorf("in the end %s hears\n%s", name, got)
		}
	}
}

// theTrace is that of all connections, which the file leaves out.
const theTrace = "00000000000000000000000000000009"

// party is one connection that speaks lockstep.v1.
type party struct {
	t      *testing.T
	conn   *websocket.Conn
	frames []string // heard and not yet looked at
}

func join(t *testing.T, base, user string) *party {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(base, "http")+"/v1/ws?user="+user, &websocket.DialOptions{
		Subprotocols: []string{"lockstep.v1"},
		HTTPHeader:   http.Header{"Traceparent": {"00-" + theTrace + "-0000000000000009-00"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(websocket.StatusNormalClosure, "") })
	p := &party{t: t, conn: conn}
	if welcome := p.hear(); !strings.Contains(welcome, `"type":"welcome"`) || !strings.Contains(welcome, `"user_id":"`+user+`"`) {
		t.Fatalf("the first frame is %s", welcome)
	}
	return p
}

func (p *party) say(message string) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, []byte(message)); err != nil {
		p.t.Fatal(err)
	}
}

// hear is the next frame, without the connection's trace.
func (p *party) hear() string {
	p.t.Helper()
	if len(p.frames) == 0 {
		ctx, cancel := context.WithTimeout(p.t.Context(), patient)
		defer cancel()
		_, message, err := p.conn.Read(ctx)
		if err != nil {
			p.t.Fatalf("nothing was heard: %v", err)
		}
		p.frames = strings.Split(string(message), "\n")
	}
	next := p.frames[0]
	p.frames = p.frames[1:]
	return strings.ReplaceAll(next, `,"trace_id":"`+theTrace+`"`, "")
}
