package server

import (
	"context"
	"log/slog"
	"regexp"
)

// secrets is what a log must not hold: JSON Web Tokens, and what stands in a token
// parameter.
var secrets = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*|(token=)[^&\s"]+`)

const redacted = "${1}[redacted]"

func redact(s string) string { return secrets.ReplaceAllString(s, redacted) }

// redactor keeps tokens out of a log, wherever in a line they stand.
type redactor struct{ slog.Handler }

// Handle passes a record on without its tokens.
func (r redactor) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, redact(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(cleaned(a))
		return true
	})
	return r.Handler.Handle(ctx, clean)
}

// WithAttrs keeps what is added clean too.
func (r redactor) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = cleaned(a)
	}
	return redactor{r.Handler.WithAttrs(clean)}
}

// WithGroup is the handler's.
func (r redactor) WithGroup(name string) slog.Handler { return redactor{r.Handler.WithGroup(name)} }

func cleaned(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, redact(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, redact(v.String()))
	case slog.KindGroup:
		var group []any
		for _, inner := range v.Group() {
			group = append(group, cleaned(inner))
		}
		return slog.Group(a.Key, group...)
	default:
		return a
	}
}
