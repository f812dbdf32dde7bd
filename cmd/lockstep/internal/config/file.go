package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration file.
const maxFile = 1 << 20

// ReadFile sets what a file says.
func (c *Config) ReadFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%s is %d bytes long; at most %d", path, info.Size(), maxFile)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if err != nil {
		return err
	}
	return c.readText(path, text)
}

// Exists reports whether there is a file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (c *Config) readText(name string, text []byte) error {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(document.Content) == 0 {
		return nil // nothing but comments
	}
	r := reader{config: c, name: name, settings: c.settings(), groups: groups}
	return r.walk("", document.Content[0])
}

// reader sets what a document says.
type reader struct {
	config   *Config
	name     string
	settings []setting
	groups   []string
}

func (r *reader) fault(at *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %w", r.name, at.Line, at.Column, fmt.Errorf(format, args...))
}

// walk goes through a mapping: each key is a setting, or leads to some.
func (r *reader) walk(under string, node *yaml.Node) error {
	return r.each(under, node, func(path string, key, value *yaml.Node) error {
		if i := slices.IndexFunc(r.settings, func(s setting) bool { return s.path == path }); i >= 0 {
			return r.set(r.settings[i], path, value)
		}
		if slices.Contains(r.groups, path) {
			return r.group(path, value)
		}
		if names := r.below(path); len(names) > 0 {
			return r.walk(path, value)
		}
		return r.fault(key, "%s is not a setting; there are %s", path, strings.Join(r.below(under), ", "))
	})
}

// each calls use for every member of a mapping, once.
func (r *reader) each(under string, node *yaml.Node, use func(path string, key, value *yaml.Node) error) error {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil // a heading with nothing below it
	}
	if node.Kind != yaml.MappingNode {
		return r.fault(node, "%s must hold settings, each as name: value", orFile(under))
	}
	seen := make(map[string]int)
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i]
		path := strings.TrimPrefix(under+"."+key.Value, ".")
		if line, twice := seen[path]; twice {
			return r.fault(key, "%s stands in line %d already", path, line)
		}
		seen[path] = key.Line
		if err := use(path, key, node.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// group reads tenants or retention: names, each with settings of its own.
func (r *reader) group(group string, node *yaml.Node) error {
	return r.each(group, node, func(path string, key, value *yaml.Node) error {
		settings, keep, err := r.config.group(group, key.Value)
		if err != nil {
			return r.fault(key, "%s %w", path, err)
		}
		inner := reader{config: r.config, name: r.name, settings: settings}
		err = inner.each("", value, func(name string, key, value *yaml.Node) error {
			i := slices.IndexFunc(settings, func(s setting) bool { return s.path == name })
			if i < 0 {
				return r.fault(key, "%s.%s is not a setting; there are %s", path, name, strings.Join(inner.below(""), ", "))
			}
			return r.set(settings[i], path+"."+name, value)
		})
		keep()
		return err
	})
}

// set gives a setting its value.
func (r *reader) set(s setting, path string, node *yaml.Node) error {
	var list []string
	switch node.Kind {
	case yaml.ScalarNode:
		list = []string{node.Value}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return r.fault(item, "%s must be a list of plain values", path)
			}
			list = append(list, item.Value)
		}
	default:
		return r.fault(node, "%s must be a value", path)
	}
	if err := s.set(list); err != nil {
		return r.fault(node, "%s: %w", path, err)
	}
	return nil
}

// below are the names that may follow a path.
func (r *reader) below(under string) []string {
	var names []string
	add := func(path string) {
		rest, ok := strings.CutPrefix(path, under)
		rest = strings.TrimPrefix(rest, ".")
		if under != "" && (!ok || path == under || path[len(under)] != '.') {
			return
		}
		name, _, _ := strings.Cut(rest, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, s := range r.settings {
		add(s.path)
	}
	for _, g := range r.groups {
		add(g)
	}
	return names
}
