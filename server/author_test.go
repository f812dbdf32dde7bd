package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/coder/websocket"

	"github.com/lockstep-sync/lockstep/sync/client"
	"github.com/lockstep-sync/lockstep/topics"
)

// author commits the steps of one agent. What the other one has committed meanwhile
// makes a commit fail; then it is rebased.
type author struct {
	t        *testing.T
	agent    int
	session  *session
	conn     *websocket.Conn
	head     topics.Version         // all steps up to here are known
	versions map[int]topics.Version // of the other's steps
	// foreign are steps of the other one that the recorded author did not know of yet,
	// each as it is after the author's own ones.
	foreign  []foreign
	rest     []foreign // what foreign becomes with the ack
	seq      int
	rejected int
}

type foreign struct {
	version topics.Version
	edits   []edit
}

func (a *author) run(ctx context.Context) error {
	for i, x := range a.session.Txns {
		if x.Agent != a.agent {
			continue
		}
		if err := a.learn(ctx, x.knows[1-a.agent]); err != nil {
			return err
		}
		if err := a.commit(ctx, i, x.edits()); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// learn waits until the recorded author knew the other's step, and from then on takes
// it and those before it as known.
func (a *author) learn(ctx context.Context, txn int) error {
	for txn >= 0 && a.versions[txn] == 0 {
		if _, err := a.hear(ctx); err != nil {
			return err
		}
	}
	for len(a.foreign) > 0 && a.foreign[0].version <= a.versions[txn] {
		a.foreign = a.foreign[1:]
	}
	return nil
}

// commit sends the step, on top of what is known, until nothing came between. Now and
// then it does so as the recorded author had to: without what that one did not know.
func (a *author) commit(ctx context.Context, txn int, edits []edit) error {
	if len(a.foreign) > 0 && txn%4 == 0 {
		behind := a.foreign[0].version - 1
		if err := a.send(ctx, txn, behind, edits); err != nil {
			return err
		}
		if answer, err := a.answer(ctx); err != nil || answer.Code != topics.CodeConflict {
			return fmt.Errorf("a commit on version %d of %d was answered %+v: %w", behind, a.head, answer, err)
		}
		a.rejected++
	}
	for {
		rebased := edits
		a.rest = make([]foreign, len(a.foreign))
		for i, f := range a.foreign {
			a.rest[i].version = f.version
			rebased, a.rest[i].edits = rebase(rebased, f.edits)
		}
		base := a.head
		if err := a.send(ctx, txn, base, rebased); err != nil {
			return err
		}
		answer, err := a.answer(ctx)
		switch {
		case err != nil:
			return err
		case answer.Type == "ack":
			return nil
		case answer.Code != topics.CodeConflict:
			return fmt.Errorf("rejected: %s %s", answer.Code, answer.Message)
		}
		a.rejected++
		for a.head == base { // what came between is on its way
			if _, err := a.hear(ctx); err != nil {
				return err
			}
		}
	}
}

func (a *author) send(ctx context.Context, txn int, head topics.Version, edits []edit) error {
	payload, err := json.Marshal(step{txn, a.agent, edits})
	if err != nil {
		return err
	}
	a.seq++
	return a.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, `{"type":"mutate","topic":"doc:friends","client":"agent","seq":%d,"if_topic_version":%d,"changes":[{"op":"none","event":"step","payload":%s}]}`, a.seq, head, payload))
}

func (a *author) answer(ctx context.Context) (client.Frame, error) {
	for {
		answers, err := a.hear(ctx)
		if err != nil || len(answers) > 0 {
			return append(answers, client.Frame{})[0], err
		}
	}
}

// hear takes one message: the other's steps, in order, and answers.
func (a *author) hear(ctx context.Context) (answers []client.Frame, err error) {
	_, message, err := a.conn.Read(ctx)
	if err != nil {
		return nil, err
	}
	soundLines(a.t, string(message))
	frames, err := client.ParseFrames(message)
	if err != nil {
		return nil, err
	}
	for _, f := range frames {
		switch f.Type {
		case "ack", "reject":
			answers = append(answers, f)
			if f.Type == "ack" {
				a.head, a.foreign = f.Version, a.rest
			}
		case "events":
			for _, e := range f.Events {
				if err := a.take(e); err != nil {
					return answers, err
				}
			}
		case "welcome", "subscribed", "snapshot", "mark":
		default:
			return answers, fmt.Errorf("it hears %+v", f)
		}
	}
	return answers, nil
}

func (a *author) take(e client.Event) error {
	s, err := parseStep(e)
	if err != nil || s.Agent == a.agent {
		return err
	}
	if e.Version != a.head+1 {
		return fmt.Errorf("version %d follows %d", e.Version, a.head)
	}
	a.head = e.Version
	a.versions[s.Txn] = e.Version
	a.foreign = append(a.foreign, foreign{e.Version, s.Edits})
	return nil
}
