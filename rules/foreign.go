package rules

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// leftovers are lines that a tool or a person left in the file, and that stop it
// from being YAML.
var leftovers = []struct {
	line          *regexp.Regexp
	message, hint string
}{
	{regexp.MustCompile(`^(?:<{7}|>{7}|={7}|\|{7})(?:\s|$)`), "a merge that is not resolved", "keep one side, and remove the lines <<<<<<<, ======= and >>>>>>>"},
	{regexp.MustCompile("^\\s*(?:```|~~~)"), "a fence of Markdown, no YAML", "remove this line and the one that ends it"},
	{regexp.MustCompile(`\{\{-?\s|\{%-?\s`), "a template that was not rendered", "check the rendered file, for example what helm template writes"},
}

// leftover is the first such line of a file that is not YAML.
func leftover(src *source) (mistake, bool) {
	src.split()
	for i, line := range src.lines {
		for _, l := range leftovers {
			if at := l.line.FindStringIndex(line); at != nil && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				col := utf8.RuneCountInString(line[:at[0]]) + 1
				return mistake{at: spot{src: src, pos: src.clamp(Pos{Line: i + 1, Col: col})}, message: "not YAML: " + l.message, hint: l.hint}, true
			}
		}
	}
	return mistake{}, false
}

// strangers are files of other tools, by keys that stand at their top.
var strangers = []struct {
	keys       []string
	what, hint string
}{
	{[]string{"apiVersion", "kind"}, "a Kubernetes object", "check the rule files that it holds, each as a file of its own"},
	{[]string{"groups"}, "a rule file of Prometheus", "write feeds: with rules that say stale_after; feedwatch has no expressions"},
	{[]string{"route", "receivers"}, "a configuration of Alertmanager", "write who is told, and when, under escalations:"},
	{[]string{"tests"}, "a file of rule tests", "run it with feedwatch rules test"},
	{[]string{"notifiers"}, "the service's configuration", "check it with feedwatch check --config; rule files hold feeds and escalations"},
}

// foreign says that a file is YAML, and yet not one that a person meant to be read:
// one mistake, in place of one for each key.
func foreign(src *source, root *yaml.Node) (mistake, bool) {
	if key := invisibleKey(src, root); key != nil {
		text := strings.TrimLeft(key.Value, " ")
		c, _ := utf8.DecodeRuneInString(text)
		return mistake{
			at: spot{src: src, node: key}, check: notYAML,
			message: fmt.Sprintf("an invisible character (U+%04X) before %q", c, shortened(strings.TrimLeft(text, invisible+" "))),
			hint:    "remove it and others like it, and indent with plain spaces",
		}, true
	}
	if root.Kind != yaml.MappingNode {
		return mistake{}, false
	}
	keys := map[string]*yaml.Node{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		if m, ok := noKey(key.Value); ok {
			m.at = spot{src: src, node: key}
			return m, true
		}
		keys[key.Value] = key
	}
	for _, known := range fileObject.names {
		if keys[known] != nil {
			return mistake{}, false
		}
	}
	for _, s := range strangers {
		for _, name := range s.keys {
			if keys[name] != nil {
				message := fmt.Sprintf("unknown key %q: this is %s, not a rule file of feedwatch", name, s.what)
				return mistake{spot{src: src, node: keys[name]}, unknownKey, message, s.hint}, true
			}
		}
	}
	return mistake{}, false
}

// noKey is text at the beginning of a line that YAML takes for a key.
func noKey(text string) (mistake, bool) {
	switch {
	case strings.HasPrefix(text, "+ "), strings.HasPrefix(text, "+\t"):
		return mistake{check: notYAML, message: "a line of a diff", hint: "remove the + and - at the beginning of its lines"}, true
	case strings.HasPrefix(text, "//"), strings.HasPrefix(text, "/*"):
		return mistake{check: notYAML, message: "a comment that begins with " + text[:2], hint: "write #; comments in YAML begin with it"}, true
	default:
		return mistake{}, false
	}
}

// invisible are characters that look like a space, or like nothing.
const invisible = "\u00a0\u2007\u202f\u3000\u200b\u2060"

// invisibleKey is a key of the file that begins with one of them.
func invisibleKey(src *source, n *yaml.Node) *yaml.Node {
	if !strings.ContainsAny(src.text, invisible) {
		return nil
	}
	return firstKey(n, func(key string) bool { return strings.IndexAny(strings.TrimLeft(key, " "), invisible) == 0 })
}

func firstKey(n *yaml.Node, is func(string) bool) *yaml.Node {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode && is(child.Value) {
			return child
		}
		if found := firstKey(child, is); found != nil {
			return found
		}
	}
	return nil
}
