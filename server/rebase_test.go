package server_test

import "slices"

// edit is one edit of a text: the insertion of Insert at At, or where that is empty
// the deletion of Delete characters from there.
type edit struct {
	At     int    `json:"at"`
	Delete int    `json:"delete,omitempty"`
	Insert string `json:"insert,omitempty"`
	agent  int
}

// apply makes the edits, one after the other.
func apply(text []rune, edits []edit) []rune {
	for _, e := range edits {
		if e.Insert != "" {
			text = slices.Insert(text, e.At, []rune(e.Insert)...)
			continue
		}
		text = slices.Delete(text, e.At, e.At+e.Delete)
	}
	return text
}

// rebase takes two lists of edits that begin at the same text, and returns each as it
// is after the other: a and then b' make what b and then a' do.
func rebase(a, b []edit) (afterB, afterA []edit) {
	switch {
	case len(a) == 0 || len(b) == 0:
		return a, b
	case len(a) == 1 && len(b) == 1:
		return past(a[0], b[0]), past(b[0], a[0])
	case len(a) > 1:
		first, b := rebase(a[:1], b)
		rest, b := rebase(a[1:], b)
		return slices.Concat(first, rest), b
	}
	a, first := rebase(a, b[:1])
	a, rest := rebase(a, b[1:])
	return a, slices.Concat(first, rest)
}

// past is a where b has been made before it. Of two insertions at one place, that of
// agent 0 stands first.
func past(a, b edit) []edit {
	n := len([]rune(b.Insert))
	switch {
	case a.Insert != "" && b.Insert != "":
		if b.At < a.At || b.At == a.At && b.agent < a.agent {
			a.At += n
		}
	case a.Insert != "":
		a.At -= min(max(a.At-b.At, 0), b.Delete)
	case b.Insert != "":
		return deletionPast(a, b.At, n)
	default:
		end := min(a.At+a.Delete, b.At+b.Delete)
		a.Delete -= max(0, end-max(a.At, b.At))
		a.At -= min(max(a.At-b.At, 0), b.Delete)
		if a.Delete == 0 {
			return nil
		}
	}
	return []edit{a}
}

// deletionPast is a deletion after n characters were inserted at a place: one that
// lay around the place leaves them alone.
func deletionPast(a edit, at, n int) []edit {
	switch before := at - a.At; {
	case before <= 0:
		a.At += n
		return []edit{a}
	case before >= a.Delete:
		return []edit{a}
	default:
		head, tail := a, a
		head.Delete = before
		tail.At, tail.Delete = a.At+n, a.Delete-before
		return []edit{head, tail}
	}
}
