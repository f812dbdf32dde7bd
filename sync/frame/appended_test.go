package frame_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/store"
	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// serverCase is one frame of a server, and what the codec makes it of.
type serverCase struct {
	Name   string
	Loose  bool // it is not the protocol's own
	Append string
	Given  given
	Frame  json.RawMessage
}

type given struct {
	Topic       topics.Name
	Epoch       topics.Epoch
	Version     topics.Version
	Access      []string
	Session     string
	User        string
	Tenant      topics.Tenant
	HeartbeatMS int64 `json:"heartbeat_ms"`
	Time        time.Time
	Limits      frame.WireLimits

	From, To, Target       topics.Version
	More, Mixed, Conflated bool
	Dropped                uint64
	Events                 []givenEvent

	Members, Left []givenMember
	Full          bool
	Event         string
	Payload       json.RawMessage

	Reason       string
	Count        uint64
	RetryAfterMS int64 `json:"retry_after_ms"`

	Client  string
	Seq     uint64
	Status  string
	TraceID string `json:"trace_id"`
	Reject  *givenError
	Current *givenEvent
	ID      json.RawMessage
	Result  json.RawMessage
}

type givenMember struct {
	User   string
	Client string
	State  json.RawMessage
}

type givenError struct {
	Code         topics.Code
	Field        string
	Message      string
	Expected     uint64
	RetryAfterMS int64 `json:"retry_after_ms"`
}

type givenEvent struct {
	Version  topics.Version
	Name     string
	Op       string
	EntityID string `json:"entity_id"`
	Payload  json.RawMessage
	Patch    json.RawMessage
	User     string
	Client   string
	Seq      uint64
	TraceID  string `json:"trace_id"`
	Time     time.Time
}

// Every frame of a server is made byte for byte as its file has it, and a client
// reads it.
func TestAppendExamples(t *testing.T) {
	var file struct {
		About  string
		Frames []serverCase
	}
	if err := conformance.Read("protocol/server.json", &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Frames {
		t.Run(c.Name, func(t *testing.T) {
			got, want := string(c.Given.append(t, c.Append)), compact(t, c.Frame)
			if got != want {
				t.Errorf("made\n%s\nwant\n%s", got, want)
			}
			frames, err := client.ParseFrames([]byte(got + "\n"))
			if err != nil || len(frames) != 1 {
				t.Fatalf("a client reads %d frames: %v", len(frames), err)
			}
		})
	}
}

// append makes the frame by the function that makes it on the wire.
func (g given) append(t *testing.T, what string) []byte {
	t.Helper()
	at := topics.Position{Epoch: g.Epoch, Version: g.Version}
	run := frame.Run{
		Topic: g.Topic, Epoch: g.Epoch, From: g.From, To: g.To, Target: g.Target,
		More: g.More, Mixed: g.Mixed, Conflated: g.Conflated, Dropped: g.Dropped,
	}
	switch what {
	case "welcome":
		return frame.AppendWelcome(nil, frame.Welcome{
			Session: g.Session, User: g.User, Tenant: g.Tenant, Now: g.Time, Limits: g.Limits,
			Heartbeat: time.Duration(g.HeartbeatMS) * time.Millisecond,
		})
	case "subscribed":
		return frame.AppendSubscribed(nil, g.Topic, at, g.Access)
	case "snapshot":
		return frame.AppendSnapshot(nil, run, g.events(t))
	case "events":
		return frame.AppendEvents(nil, run, g.events(t))
	case "deltas":
		return frame.Deltas(frame.AppendEvents(nil, run, g.events(t)), g.events(t))
	case "mark":
		return frame.AppendMark(nil, g.Topic, at)
	case "resync":
		return frame.AppendResync(nil, g.Topic, g.Epoch, g.Reason, g.Count)
	case "answer":
		return frame.AppendAnswer(nil, g.answer(t), g.current(t))
	case "error":
		return frame.AppendError(nil, string(g.Topic), g.Reject.error(), g.TraceID)
	case "signal":
		return frame.AppendSignal(nil, g.Topic, g.User, frame.Signal{Event: g.Event, Payload: compactOrNil(t, g.Payload)})
	case "presence":
		return frame.AppendPresence(nil, g.Topic, frame.Presence{
			Members: members(t, g.Members), Left: members(t, g.Left), Count: int(g.Count), Full: g.Full,
		})
	case "reply":
		return frame.AppendReply(nil, g.ID, compactOrNil(t, g.Result), g.Reject.error())
	case "revoked":
		return frame.AppendRevoked(nil, g.Topic, g.Reason)
	case "message":
		return frame.AppendMessage(nil, g.Event, compactOrNil(t, g.Payload))
	case "pong":
		return frame.AppendPong(nil)
	case "bye":
		return frame.AppendBye(nil, g.Reason, time.Duration(g.RetryAfterMS)*time.Millisecond)
	case "plain":
		return frame.AppendPlain(nil, store.Topic{Tenant: g.Tenant, Name: g.Topic}, g.events(t)[0])
	case "flat":
		return frame.AppendFlat(nil, store.Topic{Tenant: g.Tenant, Name: g.Topic}, g.events(t)[0])
	}
	t.Fatalf("nothing makes a %q", what)
	return nil
}

func (g given) answer(t *testing.T) frame.Answer {
	t.Helper()
	statuses := []topics.Status{topics.StatusApplied, topics.StatusUnchanged, topics.StatusRejected, topics.StatusDuplicate}
	i := slices.IndexFunc(statuses, func(s topics.Status) bool { return s.String() == g.Status })
	if i < 0 {
		t.Fatalf("there is no status %q", g.Status)
	}
	return frame.Answer{
		Topic: g.Topic, Epoch: g.Epoch, Client: g.Client, Seq: g.Seq, Status: statuses[i], Version: g.Version,
		Reject: g.Reject.error(), TraceID: g.TraceID,
	}
}

func (g given) current(t *testing.T) *frame.Row {
	t.Helper()
	if g.Current == nil {
		return nil
	}
	return &frame.Row{Version: g.Current.Version, Data: g.Current.event(t).DataJSON()}
}

func (g given) events(t *testing.T) []store.Event {
	t.Helper()
	list := make([]store.Event, len(g.Events))
	for i, e := range g.Events {
		list[i] = e.event(t)
	}
	return list
}

func members(t *testing.T, list []givenMember) []frame.Member {
	t.Helper()
	var out []frame.Member
	for _, m := range list {
		out = append(out, frame.Member{User: m.User, Client: m.Client, State: compactOrNil(t, m.State)})
	}
	return out
}

func (e *givenError) error() *topics.Error {
	if e == nil {
		return nil
	}
	return &topics.Error{
		Code: e.Code, Field: e.Field, Message: e.Message, Expected: e.Expected,
		RetryAfter: time.Duration(e.RetryAfterMS) * time.Millisecond,
	}
}

func (e givenEvent) event(t *testing.T) store.Event {
	t.Helper()
	op, err := topics.ParseOp(e.Op)
	if err != nil {
		t.Fatal(err)
	}
	out := frame.Event(topics.Event{
		Version: e.Version, Name: e.Name, Op: op, EntityID: e.EntityID, Payload: compactOrNil(t, e.Payload), Patch: compactOrNil(t, e.Patch),
		User: e.User, Client: e.Client, Seq: e.Seq, TraceID: e.TraceID, Time: e.Time,
	})
	switch op {
	case topics.OpDelete:
		out.Kind = store.KindTombstone
	case topics.OpNone:
		out.Kind = store.KindCustom
	default:
		out.Kind = store.KindRow
	}
	return out
}

func compactOrNil(t *testing.T, raw json.RawMessage) json.RawMessage {
	t.Helper()
	if raw == nil {
		return nil
	}
	return json.RawMessage(compact(t, raw))
}
