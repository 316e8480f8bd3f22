package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// objectHint says how n, which is no mapping, is written as one.
func objectHint(n *yaml.Node, is *object) string {
	switch {
	case is == fileObject && n.Kind == yaml.SequenceNode:
		return "write feeds: on a line of its own before it, if these are feeds"
	case (is == expectObject || is == scheduleObject) && n.Kind == yaml.ScalarNode && len(strings.Fields(n.Value)) == 5:
		more := map[*object]string{expectObject: "grace: 45m", scheduleObject: "duration: 2h"}[is]
		return fmt.Sprintf("write {cron: %q, timezone: Europe/Oslo, %s}", n.Value, more)
	case is == ignoreObject && n.Kind == yaml.ScalarNode:
		return fmt.Sprintf("write {match: ['client=%q'], reason: why, until: 2026-12-31}", shortened(n.Value))
	case is == minUpdatesObject && n.Kind == yaml.ScalarNode:
		return likeMinUpdates(n.Value)
	default:
		return "write keys and values here: " + listed(is.names, 5)
	}
}

// hintTwice says what to do about a key that stands there already.
func hintTwice(m *mapping, key string, is *object) string {
	value, line := m.get(key), m.key(key).Line
	switch {
	case dashForgotten(key, is):
		return fmt.Sprintf("write a dash before it if another one begins here; the first is on line %d", line)
	case value != nil && value.Kind == yaml.SequenceNode:
		return fmt.Sprintf("write all under the one on line %d", line)
	default:
		return fmt.Sprintf("keep one of them; the other is on line %d", line)
	}
}

// dashForgotten says that a key that stands twice in an item of a list begins what
// was probably to be an item of its own.
func dashForgotten(key string, is *object) bool {
	switch is {
	case feedObject, ruleObject, escalationObject, maintenanceObject, retiredObject:
		return key == "name"
	case stepObject:
		return true
	default:
		return false
	}
}

// listHint says how n, which is no list, is written as one.
func listHint(n *yaml.Node, example string) string {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 || n.Style&yaml.FlowStyle != 0 || n.Content[0].Kind != yaml.ScalarNode || !strings.HasPrefix(example, "-") {
		return "write " + example
	}
	switch key := n.Content[0].Value; {
	case strings.HasPrefix(key, "-"):
		return fmt.Sprintf("write a space behind the dash: - %s", shortened(strings.TrimLeft(key, "-")))
	case slices.Contains(itemKeys, key):
		return fmt.Sprintf("write a dash before the first key of each item: - %s: ...", key)
	default:
		return fmt.Sprintf("write - name: %s, and the rest indented under it", shortened(key))
	}
}

// itemKeys are the keys of what stands in lists.
var itemKeys = slices.Concat(feedObject.names, ruleObject.names, escalationObject.names, stepObject.names, maintenanceObject.names, retiredObject.names, ignoreObject.names)

// placeholder is text that a template or a shell should have replaced.
var placeholder = regexp.MustCompile(`^(?:\$\{[A-Za-z_][A-Za-z0-9_]*(?::?-[^}]*)?\}|\{\{.*\}\})$`)

// isTemplate says that n is {{ ... }}, which YAML reads as a mapping in a mapping.
func isTemplate(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) == 2 &&
		n.Content[0].Kind == yaml.MappingNode && n.Content[0].Style&yaml.FlowStyle != 0
}
