package server

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-sync/lockstep/topics"
)

// query is a request's parameters, read strictly: one that is unknown, repeated or
// malformed is an error that names it, for a parameter that is silently ignored is
// one that its author believes in.
type query struct {
	values url.Values
	err    *topics.Error // the first one
}

// identityParams may stand on every URL; the authenticator reads them.
var identityParams = []string{"token", "user", "tenant"}

func (q *query) parse(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return topics.Errorf(topics.CodeInvalid, "query", "cannot be read; percent-encode what is not a letter or a digit")
	}
	q.values = values
	return nil
}

// only refuses parameters that are neither known nor about the identity.
func (q *query) only(known ...string) error {
	for name, list := range q.values {
		switch {
		case !utf8.ValidString(name) || !slices.Contains(known, name) && !slices.Contains(identityParams, name):
			field := clip(name)
			set(&field, "query")
			return topics.Errorf(topics.CodeInvalid, field, "is not a parameter here%s", remedy(known))
		case len(list) > 1:
			return topics.Errorf(topics.CodeInvalid, name, "stands %d times in the query; once is enough", len(list))
		case !utf8.ValidString(list[0]):
			return topics.Errorf(topics.CodeInvalid, name, "is not valid UTF-8")
		}
	}
	return nil
}

func remedy(known []string) string {
	if len(known) == 0 {
		return ""
	}
	return "; there are " + strings.Join(known, ", ")
}

// text is the parameter, empty when it is missing.
func (q *query) text(name string) string { return q.values.Get(name) }

func (q *query) has(name string) bool { return q.values.Has(name) }

// whole is the number from least to most at name, or otherwise when it is missing.
func (q *query) whole(name string, least, most, otherwise int) int {
	if !q.has(name) {
		return otherwise
	}
	text := q.text(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most || strconv.Itoa(n) != text {
		q.fail(name, "%q must be a whole number from %d to %d", clip(text), least, most)
		return otherwise
	}
	return n
}

// version is the version at name, 0 when it is missing.
func (q *query) version(name string) topics.Version {
	if !q.has(name) {
		return 0
	}
	v, err := topics.ParseVersion(q.text(name))
	if err != nil {
		q.fail(name, "%q must be a whole number from 0 to 2^53-1", clip(q.text(name)))
	}
	return v
}

// position is the position at name, nil when it is missing.
func (q *query) position(name string) *topics.Position {
	if !q.has(name) {
		return nil
	}
	p, err := topics.ParsePosition(q.text(name))
	if err != nil {
		q.fail(name, "%q must be a position, epoch-version, as an earlier answer gave it", clip(q.text(name)))
		return nil
	}
	return &p
}

// choice is one of the words at name; the first one when it is missing.
func (q *query) choice(name string, words ...string) string {
	if !q.has(name) {
		return words[0]
	}
	text := q.text(name)
	if !slices.Contains(words, text) {
		q.fail(name, "%q must be %s", clip(text), strings.Join(words, " or "))
	}
	return text
}

func (q *query) fail(name, format string, args ...any) {
	if q.err == nil {
		q.err = topics.Errorf(topics.CodeInvalid, name, format, args...)
	}
}

// fault is the first thing that was wrong. It keeps a nil *topics.Error from
// becoming an error that is not nil.
func (q *query) fault() error {
	if q.err == nil {
		return nil
	}
	return q.err
}

// clip shortens what an error quotes, and makes it text.
func clip(s string) string {
	const most = 60
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
