package rules

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// curlyQuotes are those that text editors make of straight ones.
const curlyQuotes = "‘’‚‛“”„‟"

var (
	joinedByWord = regexp.MustCompile(`(?i)^(\w+[=!~]+"[^"]*")\s+(?:and|&&)\s+(\w+[=!~]+"[^"]*")$`)
	inList       = regexp.MustCompile(`(?i)^(\w+)\s+(not\s+)?in\s*[(\[]([^()\[\]]+)[)\]]$`)
	anyOf        = regexp.MustCompile(`(?i)^(\w+)\s*=\s*"([^"]*)"\s+(?:or|\|\|?)\s+(\w+)\s*=\s*"([^"]*)"$`)
	singleQuotes = regexp.MustCompile(`^(\w+)\s*([=!]~|!?=)\s*'([^'"]*)'$`)
	withColon    = regexp.MustCompile(`^(\w+)\s*:\s*"?([^"{}]+)"?$`)
	notBefore    = regexp.MustCompile(`^!\s*(\w+)\s*=(~?)\s*("[^"]*"|[\w.-]+)$`)
	backslashed  = regexp.MustCompile(`^(\w+)\s*([=!]~)\s*"([^"]*\\[^"\\][^"]*)"$`)
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
	if m := anyOf.FindStringSubmatch(s); m != nil {
		if m[1] != m[3] {
			return "write a rule for each: all matchers of one must fit", true
		}
		return fmt.Sprintf("write %s=~%q", m[1], m[2]+"|"+m[4]), true
	}
	if m := singleQuotes.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("write %s%s%q: the value stands in double quotes", m[1], m[2], m[3]), true
	}
	if m := withColon.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("write %s=%q", m[1], m[2]), true
	}
	if m := notBefore.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("write %s!%s%s", m[1], strings.Replace("="+m[2], "=~", "~", 1), m[3]), true
	}
	if m := backslashed.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("write %s%s%q: within quotes a backslash is written twice", m[1], m[2], m[3]), true
	}
	return "", false
}

var regexValue = regexp.MustCompile(`[=!]~\s*"((?:[^"\\]|\\.)*)"`)

// alone is what is wrong with an expression of s by itself: what stands around it
// when it is read is not what somebody wrote.
func alone(s string, wrong *syntax.Error) *syntax.Error {
	for _, m := range regexValue.FindAllStringSubmatch(s, -1) {
		text, err := strconv.Unquote(`"` + m[1] + `"`)
		if err != nil {
			continue
		}
		var bad *syntax.Error
		if _, err := syntax.Parse(text, syntax.Perl); errors.As(err, &bad) {
			return bad
		}
	}
	return wrong
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
		var all []string
		for line := range strings.Lines(strings.TrimSpace(n.Value)) {
			if line = strings.TrimSpace(line); line != "" && len(all) < 6 {
				all = append(all, "'"+strings.ReplaceAll(shortened(line), "'", "''")+"'")
			}
		}
		return fmt.Sprintf("write match: [%s]", strings.Join(all, ", "))
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
