package rules

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// curlyQuotes are those that text editors make of straight ones.
const curlyQuotes = "‘’‚‛“”„‟"

var (
	joinedByWord = regexp.MustCompile(`(?i)^(\w+[=!~]+"[^"]*")\s+(?:and|&&)\s+(\w+[=!~]+"[^"]*")$`)
	inList       = regexp.MustCompile(`(?i)^(\w+)\s+(not\s+)?in\s*[(\[]([^()\[\]]+)[)\]]$`)
	doubleEquals = regexp.MustCompile(`^(\w+)\s*==\s*("[^"]*"|[\w.-]+)$`)
)

// likeMatcher says what to write in place of s, which is no matcher; false when that
// is not known.
func likeMatcher(s string) (string, bool) {
	if m := joinedByWord.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("write two, and both must fit: '%s', '%s'", m[1], m[2]), true
	}
	if m := inList.FindStringSubmatch(s); m != nil {
		op := "=~"
		if m[2] != "" {
			op = "!~"
		}
		words := strings.FieldsFunc(m[3], func(c rune) bool { return strings.ContainsRune(`, '"`, c) })
		return fmt.Sprintf("write %s%s%q", m[1], op, strings.Join(words, "|")), true
	}
	if m := doubleEquals.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("write %s=%q", m[1], strings.Trim(m[2], `"`)), true
	}
	return "", false
}

// likeRegex says what to write in place of an expression that is wrong.
func likeRegex(expr string) string {
	switch {
	case strings.HasPrefix(expr, "(?!"), strings.HasPrefix(expr, "(?<!"):
		return "look-around is not known; exclude with a matcher of its own, for example client!~\"batch-.*\""
	case strings.HasPrefix(expr, "(?=") || strings.HasPrefix(expr, "(?<="):
		return "look-around is not known; write a second matcher, both must fit"
	case strings.HasPrefix(expr, "*"):
		return "write .* for anything: a * repeats what stands before it"
	default:
		return "write one of RE2, the syntax of Prometheus"
	}
}

// matchHint says how match, which is no list, is written.
func matchHint(n *yaml.Node, example string) string {
	switch {
	case n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, `=~`):
		return fmt.Sprintf("write match: ['%s']", strings.ReplaceAll(shortened(n.Value), "'", "''"))
	case n.Kind == yaml.MappingNode:
		if m, ok := pairMatcher(n); ok {
			return fmt.Sprintf("write match: [%s]", m)
		}
	}
	return "write " + example
}

// pairMatcher is the matchers that a person meant who wrote {tier: enterprise}, or
// {tier="enterprise"} without quotes around it.
func pairMatcher(n *yaml.Node) (string, bool) {
	var all []string
	for i := 0; i+1 < len(n.Content) && i < 6; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind == yaml.ScalarNode && isNull(value) && strings.ContainsAny(key.Value, `=~`):
			all = append(all, "'"+shortened(key.Value)+"'")
		case key.Kind == yaml.ScalarNode && value.Kind == yaml.ScalarNode && !isNull(value):
			all = append(all, fmt.Sprintf("'%s=%q'", shortened(key.Value), shortened(value.Value)))
		default:
			return "", false
		}
	}
	return strings.Join(all, ", "), len(all) > 0
}

// curly says that a value of the matcher stands in curly quotes, or that the whole
// does.
func curly(s string) bool {
	s = strings.TrimSpace(s)
	at := strings.IndexAny(s, curlyQuotes)
	return at == 0 || at > 0 && strings.ContainsRune("=~", rune(s[at-1]))
}
