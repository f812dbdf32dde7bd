package topics

import "strings"

// Placeholder stands for the user in the text of a pattern.
const Placeholder = "{sub}"

// Pattern says which topics a grant covers: one, or all that begin alike. The zero
// value covers none.
type Pattern struct {
	text string
	open bool // text is a beginning
}

// ParsePattern reads "type:identifier", "type:beginning*" or "*". The placeholder
// is replaced by user, an identifier as [UserTopic] makes it, after the text was
// split, so that a user called "*" is just that.
func ParsePattern(text, user string) (Pattern, error) {
	if text == "*" {
		return Pattern{open: true}, nil
	}
	begin, open := strings.CutSuffix(text, "*")
	p := Pattern{text: strings.ReplaceAll(begin, Placeholder, user), open: open}
	probe := p.text
	if open {
		probe += "x"
	}
	// A type that a user's name decides could be a reserved one (P8).
	typ, _, _ := strings.Cut(begin, ":")
	if _, err := ParseName(probe); err != nil || strings.Contains(typ, Placeholder) {
		return Pattern{}, Errorf(CodeInvalid, "topics", "%q must be a topic, a topic that ends with *, or *", clip(text))
	}
	return p, nil
}

// Topic is the one topic the pattern covers; false when it is open.
func (p Pattern) Topic() (Name, bool) { return Name(p.text), !p.open && p.text != "" }

// Covers reports whether the pattern covers a topic. An open one never covers a
// reserved topic, which wants to be named (P8).
func (p Pattern) Covers(topic Name) bool {
	if !p.open {
		return p.text != "" && string(topic) == p.text
	}
	return !topic.Reserved() && strings.HasPrefix(string(topic), p.text)
}
