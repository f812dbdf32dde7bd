package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ReadEnvironment sets what the environment says. Lists have commas between; what
// is set per tenant or per topic type is YAML, such as
// LOCKSTEP_TENANTS='{acme: {rate: 100}}'.
func (c *Config) ReadEnvironment(env func(string) string) error {
	for _, s := range c.settings() {
		text := env(s.variable())
		if text == "" {
			continue
		}
		list := []string{text}
		if s.list {
			list = strings.Split(text, ",")
		}
		if err := s.set(list); err != nil {
			return fmt.Errorf("%s: %w", s.variable(), err)
		}
	}
	for _, g := range groups {
		variable := setting{path: g}.variable()
		text := env(variable)
		if text == "" {
			continue
		}
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
		r := reader{config: c, name: variable}
		if err := r.group(g, document.Content[0]); err != nil {
			return err
		}
	}
	return nil
}

// Line is a setting that is not at its default.
type Line struct{ Path, Value string }

// Lines are the settings that differ from what holds when nothing is set. Secrets
// are not shown.
func (c *Config) Lines() []Line {
	var lines []Line
	before := New().settings()
	for i, s := range c.settings() {
		now := s.get()
		if now == before[i].get() {
			continue
		}
		if s.secret {
			now = "(set)"
		}
		lines = append(lines, Line{s.path, now})
	}
	for _, tenant := range slices.Sorted(maps.Keys(c.Tenants)) {
		lines = append(lines, c.groupLines("tenants", string(tenant))...)
	}
	for _, topicType := range slices.Sorted(maps.Keys(c.Retention)) {
		lines = append(lines, c.groupLines("retention", topicType)...)
	}
	return lines
}

// groupLines are what is set of one name in a group.
func (c *Config) groupLines(group, name string) []Line {
	settings, _, err := c.group(group, name)
	if err != nil {
		return nil // it would not be there
	}
	var lines []Line
	for _, s := range settings {
		if now := s.get(); now != "" && now != "false" {
			lines = append(lines, Line{group + "." + name + "." + s.path, now})
		}
	}
	return lines
}
