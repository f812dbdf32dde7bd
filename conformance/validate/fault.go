package validate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/lockstep-sync/lockstep/topics"
)

// Fault is one thing that is wrong.
type Fault struct {
	Field   string // its path, such as changes[2].payload; empty: the whole text
	Rule    string // of SPEC.md
	Problem string // what is wrong with the field
}

// String is the fault in one line.
func (f Fault) String() string {
	return fmt.Sprintf("%s %s (%s)", cmp.Or(f.Field, "the text"), f.Problem, f.Rule)
}

// check holds a text to the schema of that name.
func check(name string, body []byte) []Fault {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return []Fault{{Rule: "N-1", Problem: err.Error()}}
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(schemas().compiled[name].Validate(value), &invalid) {
		return nil
	}
	var faults []Fault
	collect(invalid, &faults)
	slices.SortStableFunc(faults, func(a, b Fault) int { return strings.Compare(a.Field, b.Field) })
	return slices.CompactFunc(faults, func(a, b Fault) bool { return a.Field == b.Field })
}

// collect gathers the faults at the ends of the tree of errors: what is above them
// only says that something below is wrong.
func collect(e *jsonschema.ValidationError, faults *[]Fault) {
	for _, cause := range e.Causes {
		collect(cause, faults)
	}
	if len(e.Causes) > 0 {
		return
	}
	at, rule := e.InstanceLocation, schemas().rule(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			*faults = append(*faults, Fault{path(at, name), rule, "is missing"})
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			*faults = append(*faults, Fault{path(at, name), rule, "is missing; it belongs to " + k.Prop})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*faults = append(*faults, Fault{path(at, name), rule, "is no member that is known here"})
		}
	default:
		*faults = append(*faults, Fault{path(at), rule, problem(e)})
	}
}

// problem words what is wrong with one value.
func problem(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("is %s; it must be %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Const:
		return fmt.Sprintf("must be %v", k.Want)
	case *kind.Enum:
		return fmt.Sprintf("must be one of %v", k.Want)
	case *kind.Format:
		return k.Err.Error()
	case *kind.FalseSchema:
		return "has no place here"
	case *kind.Pattern:
		return fmt.Sprintf("%q does not match %s", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("is %d characters long; at least %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("is %d characters long; at most %d", k.Got, k.Want)
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.UniqueItems:
		return "holds the same twice"
	}
	return "is not as " + strings.TrimPrefix(e.SchemaURL, base) + " has it"
}

// path is a place in a text, as errors of the protocol name it.
func path(at []string, more ...string) string {
	var b strings.Builder
	for _, step := range append(slices.Clone(at), more...) {
		if _, err := strconv.Atoi(step); err == nil {
			b.WriteString("[" + step + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// rule is the rule that the part of a schema at a URL stands for: its own, or that of
// the closest part around it.
func (l *library) rule(url string) string {
	file, pointer, _ := strings.Cut(url, "#")
	node, found := l.texts[file], ""
	for _, step := range append([]string{""}, strings.Split(strings.TrimPrefix(pointer, "/"), "/")...) {
		switch n := node.(type) {
		case map[string]any:
			if step != "" {
				node = n[unescape(step)]
			}
		case []any:
			if i, err := strconv.Atoi(step); err == nil && i < len(n) {
				node = n[i]
			}
		}
		if object, ok := node.(map[string]any); ok {
			if r, ok := object["x-rule"].(string); ok {
				found = r
			}
		}
	}
	return found
}

func unescape(step string) string {
	return strings.NewReplacer("~1", "/", "~0", "~", "%24", "$").Replace(step)
}

// reason is an error's text without its code and field, which the fault has.
func reason(err error) error { return errors.New(topics.AsError(err).Message) }

func checkTime(s string) error {
	if _, err := time.Parse(topics.TimeLayout, s); err != nil {
		return topics.Errorf(topics.CodeInvalid, "", "%q must be a time such as 2026-11-21T10:00:00.000Z", s)
	}
	return nil
}

// number writes a bound as the schema does.
func number(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}
