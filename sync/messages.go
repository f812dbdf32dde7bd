package statesync

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lockstep-sync/lockstep/sync/frame"
	"github.com/lockstep-sync/lockstep/topics"
)

// MessageHandler is told of a client's message of the type it is registered for.
// The session's next message waits until it returns; its error is answered as an
// error frame.
type MessageHandler func(ctx context.Context, s *Session, message json.RawMessage) error

// CallHandler answers a client's call. What it returns is written as JSON; its
// error is the reply's. The session's next message waits until it returns.
type CallHandler func(ctx context.Context, s *Session, params json.RawMessage) (any, error)

// OnMessage registers the handler of a message type, such as "chat.message".
// Registering a type twice, or one of the protocol's own, panics.
func (e *Engine) OnMessage(typ string, h MessageHandler) {
	if frame.Known(typ) {
		panic(fmt.Sprintf("statesync: OnMessage: %q is the protocol's own", typ))
	}
	register(&e.handlers, e.handlers.messages, "OnMessage", typ, h)
}

// OnCall registers the handler of a call's method.
func (e *Engine) OnCall(method string, h CallHandler) {
	register(&e.handlers, e.handlers.calls, "OnCall", method, h)
}

// Send queues an ephemeral message of the application's own for this session:
// typ beside the fields of message, which must be written as a JSON object. It
// shares the bound of signals: when the writer is behind, the oldest is dropped.
func (s *Session) Send(typ string, message any) error {
	line, err := s.engine.messageLine(typ, message)
	if err == nil {
		s.queue(line)
	}
	return err
}

// SendToUser is Send for every session of a user. What must not be lost belongs
// into the topic user:<id> instead.
func (e *Engine) SendToUser(tenant topics.Tenant, user, typ string, message any) error {
	return e.sendWhere(typ, message, func(id Identity) bool { return id.Tenant == tenant && id.User == user })
}

// SendToAll is Send for every session of a tenant.
func (e *Engine) SendToAll(tenant topics.Tenant, typ string, message any) error {
	return e.sendWhere(typ, message, func(id Identity) bool { return id.Tenant == tenant })
}

func (e *Engine) sendWhere(typ string, message any, to func(Identity) bool) error {
	line, err := e.messageLine(typ, message)
	if err != nil {
		return err
	}
	for _, s := range e.openSessions() {
		if to(s.Identity()) {
			s.queue(line)
		}
	}
	return nil
}

func (e *Engine) messageLine(typ string, message any) ([]byte, error) {
	if frame.Known(typ) || topics.CheckEventName(typ) != nil {
		return nil, topics.Errorf(topics.CodeInvalid, "type", "%q must be a name of the application's own, such as chat.message", typ)
	}
	raw, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("statesync: the message cannot be written as JSON: %w", err)
	}
	if raw, err = frame.Strict(raw, e.limits.Strict()); err != nil {
		return nil, err
	}
	if raw[0] != '{' {
		return nil, topics.Errorf(topics.CodeInvalid, "message", "must be written as a JSON object")
	}
	return append(frame.AppendMessage(nil, typ, raw), '\n'), nil
}

func (s *Session) queue(line []byte) {
	if !s.ready.pushSignal(line, s.engine.limits.Signals) {
		s.engine.metrics.bound("signals")
	}
}

// message passes a frame of a type that is not the protocol's to its handler. A
// lockstep.v1 client may be newer than the server, so there a type without one is
// ignored; in plain mode it is a mistake.
func (s *Session) message(ctx context.Context, f frame.Unknown) {
	handle := find(&s.engine.handlers, s.engine.handlers.messages, f.Type)
	switch {
	case handle != nil:
		if err := handle(ctx, s, f.Body); err != nil {
			s.Error(refusal(err))
		}
	case s.form != FormFrames:
		s.Error(topics.Errorf(topics.CodeUnknownType, "type", "%q is not known here; send subscribe, unsubscribe, mutate, signal, presence, call or ping", f.Type))
	}
}

// call answers a call.
func (s *Session) call(ctx context.Context, f frame.Call) {
	handle := find(&s.engine.handlers, s.engine.handlers.calls, f.Method)
	if handle == nil {
		s.say(frame.AppendReply(nil, f.ID, nil, topics.Errorf(topics.CodeUnknownType, "method", "%q is answered by nothing here", f.Method)))
		return
	}
	result, err := handle(ctx, s, f.Params)
	if err != nil {
		s.say(frame.AppendReply(nil, f.ID, nil, refusal(err)))
		return
	}
	raw, err := json.Marshal(result)
	if err == nil {
		limits := s.engine.limits.Strict()
		limits.Bytes = s.engine.limits.EventBytes
		raw, err = frame.Strict(raw, limits)
	}
	if err != nil {
		s.engine.log.Error("a call's result cannot be sent", "method", f.Method, "session", s.id, "error", err)
		s.say(frame.AppendReply(nil, f.ID, nil, &topics.Error{Code: topics.CodeInternal, Message: "the result cannot be sent; the cause is in the server's log"}))
		return
	}
	s.say(frame.AppendReply(nil, f.ID, raw, nil))
}
