package client

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/topics"
)

const list = topics.Name("gift-list:1")

var (
	e1 = topics.Epoch("aaaaaaaaaaaaa")
	e2 = topics.Epoch("bbbbbbbbbbbbb")
)

func at(e topics.Epoch, v topics.Version) topics.Position {
	return topics.Position{Epoch: e, Version: v}
}

// ids are client ids in the order in which an outbox takes them: c1, c2, …
func ids() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("c%d", n) }
}

func put(id string, payload string) topics.Change {
	return topics.Change{EntityID: id, Payload: json.RawMessage(payload)}
}

func mutation(changes ...topics.Change) topics.Mutation {
	return topics.Mutation{Topic: list, Changes: changes}
}

// parse reads one frame as the wire has it.
func parse(t *testing.T, line string) Frame {
	t.Helper()
	frames, err := ParseFrames([]byte(line))
	if err != nil || len(frames) != 1 {
		t.Fatalf("%s: %d frames, %v", line, len(frames), err)
	}
	frames[0].Topic = list
	return frames[0]
}

func ack(t *testing.T, client string, seq uint64, e topics.Epoch, version topics.Version) Frame {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"type":"ack","client":%q,"seq":%d,"epoch":%q,"version":%d,"status":"applied"}`, client, seq, e, version))
}

func reject(t *testing.T, client string, seq uint64, code topics.Code, more string) Frame {
	t.Helper()
	return parse(t, fmt.Sprintf(`{"type":"reject","client":%q,"seq":%d,"code":%q,"retry":%q%s}`, client, seq, code, code.Meaning().Retry, more))
}

// events is an events frame from..to of puts: "g1=1" or, of a lane, "g1=1/c1.2".
func events(t *testing.T, e topics.Epoch, from, to topics.Version, more bool, list ...string) Frame {
	t.Helper()
	var parts []string
	for i, text := range list {
		text, lane, _ := strings.Cut(text, "/")
		id, payload, _ := strings.Cut(text, "=")
		origin := ""
		if client, seq, ok := strings.Cut(lane, "."); ok {
			origin = fmt.Sprintf(`,"client":%q,"seq":%s`, client, seq)
		}
		version := to - topics.Version(len(list)-1-i)
		parts = append(parts, fmt.Sprintf(`{"version":%d,"event":"UPDATED","data":{"entity_id":%q,"payload":%s}%s}`, version, id, payload, origin))
	}
	return parse(t, fmt.Sprintf(`{"type":"events","epoch":%q,"from":%d,"to":%d,"events":[%s],"more":%v}`, e, from, to, strings.Join(parts, ","), more))
}
