package patch

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// merge is RFC 7396, section 2. The library's own merge also removes nulls from
// objects inside arrays, which the RFC leaves alone. Members keep their order; new
// ones come last.
func merge(base, body json.RawMessage) (json.RawMessage, error) {
	if len(body) == 0 || body[0] != '{' {
		return body, nil
	}
	changes, err := members(body)
	if err != nil {
		return nil, err
	}
	var kept []member
	if len(base) > 0 && base[0] == '{' {
		if kept, err = members(base); err != nil {
			return nil, err
		}
	}
	place := make(map[string]int, len(kept))
	for i, m := range kept {
		place[m.key] = i
	}
	for _, c := range changes {
		i, known := place[c.key]
		if !known {
			i = len(kept)
			kept = append(kept, member{key: c.key, name: c.name})
		}
		if kept[i].value, err = mergeMember(kept[i].value, c.value); err != nil {
			return nil, err
		}
	}
	return object(kept), nil
}

// mergeMember is the member's new value; nil takes the member out.
func mergeMember(base, change json.RawMessage) (json.RawMessage, error) {
	if string(change) == "null" {
		return nil, nil
	}
	return merge(base, change)
}

// member is one member of an object.
type member struct {
	key   string
	name  json.RawMessage // the key as it was written
	value json.RawMessage // nil: it is not there any more
}

// members are an object's, in their order.
func members(text json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("not an object: %w", err)
	}
	var list []member
	for d.More() {
		from := d.InputOffset()
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("not an object: %w", err)
		}
		m := member{name: bytes.TrimLeft(text[from:d.InputOffset()], ", \t\n\r")}
		m.key, _ = key.(string)
		if err := d.Decode(&m.value); err != nil {
			return nil, fmt.Errorf("not an object: %w", err)
		}
		list = append(list, m)
	}
	return list, nil
}

func object(list []member) json.RawMessage {
	b := []byte{'{'}
	for _, m := range list {
		if m.value == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, m.name...)
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}
