package conformance_test

import (
	"strings"
	"testing"

	"github.com/lockstep-sync/lockstep/conformance"
	"github.com/lockstep-sync/lockstep/topics"
)

// nameCase is one text and what the parser of its list says of it.
type nameCase struct {
	Text   string
	Repeat struct {
		Text  string
		Times int
	}
	Why   string
	Code  topics.Code
	Field string

	// Of topics.
	Type, Identifier string
	Reserved         bool
	// Of positions.
	Epoch   topics.Epoch
	Version topics.Version
}

// full is the text with what is repeated after it.
func (c nameCase) full() string { return c.Text + strings.Repeat(c.Repeat.Text, c.Repeat.Times) }

// refused checks err against the case, and reports whether the text was refused.
func (c nameCase) refused(t *testing.T, err error) bool {
	t.Helper()
	if c.Code == "" {
		if err != nil {
			t.Errorf("%q was refused: %v", c.full(), err)
		}
		return err != nil
	}
	if err == nil {
		t.Errorf("%q was taken; want %s", c.full(), c.Code)
		return true
	}
	if e := topics.AsError(err); e.Code != c.Code || e.Field != c.Field {
		t.Errorf("%q: %s about %q; want %s about %q", c.full(), e.Code, e.Field, c.Code, c.Field)
	}
	return true
}

type names struct {
	About      string
	Topics     []nameCase
	UserTopics []struct {
		User  string
		Topic topics.Name
		Why   string
		Code  topics.Code
		Field string
	} `json:"user_topics"`
	EntityIDs []nameCase `json:"entity_ids"`
	Tenants   []nameCase
	Clients   []nameCase
	Users     []nameCase
	Events    []nameCase
}

func readNames(t *testing.T) names {
	t.Helper()
	var n names
	if err := conformance.Read("protocol/names.json", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTopicNames(t *testing.T) {
	for _, c := range readNames(t).Topics {
		name, err := topics.ParseName(c.full())
		if c.refused(t, err) {
			continue
		}
		if name.Type() != c.Type || c.Identifier != "" && name.Identifier() != c.Identifier || name.Reserved() != c.Reserved {
			t.Errorf("%q is type %q, identifier %q, reserved %t", name, name.Type(), name.Identifier(), name.Reserved())
		}
	}
}

// P8: different users never share a topic of their own.
func TestUserTopics(t *testing.T) {
	owner := make(map[topics.Name]string)
	for _, c := range readNames(t).UserTopics {
		name, err := topics.UserTopic(c.User)
		if (nameCase{Text: c.User, Code: c.Code, Field: c.Field}).refused(t, err) {
			continue
		}
		if name != c.Topic {
			t.Errorf("the topic of %q is %q; want %q", c.User, name, c.Topic)
		}
		if other, taken := owner[name]; taken {
			t.Errorf("%q and %q share %q", other, c.User, name)
		}
		owner[name] = c.User
	}
}

func TestOtherNames(t *testing.T) {
	all := readNames(t)
	tenant := func(s string) error {
		_, err := topics.ParseTenant(s)
		return err
	}
	for list, of := range map[string]struct {
		cases []nameCase
		check func(string) error
	}{
		"entity_ids": {all.EntityIDs, topics.CheckEntityID},
		"tenants":    {all.Tenants, tenant},
		"clients":    {all.Clients, topics.CheckClient},
		"users":      {all.Users, topics.CheckUser},
		"events":     {all.Events, topics.CheckEventName},
	} {
		t.Run(list, func(t *testing.T) {
			if len(of.cases) == 0 {
				t.Error("there are no cases")
			}
			for _, c := range of.cases {
				c.refused(t, of.check(c.full()))
			}
		})
	}
}

func TestPositions(t *testing.T) {
	var all struct {
		About                       string
		Epochs, Versions, Positions []nameCase
	}
	if err := conformance.Read("protocol/positions.json", &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Epochs {
		epoch, err := topics.ParseEpoch(c.full())
		if !c.refused(t, err) && string(epoch) != c.Text {
			t.Errorf("epoch %q became %q", c.Text, epoch)
		}
	}
	for _, c := range all.Versions {
		version, err := topics.ParseVersion(c.full())
		if !c.refused(t, err) && version != c.Version {
			t.Errorf("version %q is %d; want %d", c.Text, version, c.Version)
		}
	}
	for _, c := range all.Positions {
		position, err := topics.ParsePosition(c.full())
		want := topics.Position{Epoch: c.Epoch, Version: c.Version}
		if !c.refused(t, err) && (position != want || position.String() != c.Text) {
			t.Errorf("position %q is %v, as text %q; want %v", c.Text, position, position.String(), want)
		}
	}
}
