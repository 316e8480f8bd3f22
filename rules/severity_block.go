package rules

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

func (r *reader) readSeverity(rule *Rule, m mapping, own *defaults) {
	if n := m.get("severity"); n != nil {
		rule.severity = r.severity(n)
		return
	}
	own.severe(rule)
}

// severity reads one word, or a severity that rises with how many are in trouble.
func (r *reader) severity(n *yaml.Node) Severities {
	if n.Kind != yaml.MappingNode {
		return Severities{Base: r.severityWord(n)}
	}
	read := Severities{Base: SeverityDefault}
	m, ok := r.mapping(n, severityObject)
	if !ok {
		return read
	}
	if base := m.get("default"); base != nil {
		read.Base = r.severityWord(base)
	}
	from := m.get("critical_from")
	switch {
	case !m.has("critical_from"):
		r.fail(m.node, missingKey, "severity does not say from when on it is critical", "write critical_from: 50%, or one severity alone, as in severity: error")
	case read.Base == Critical:
		r.fail(m.get("default"), conflictingKeys, "it is critical from the first client on", "write severity: critical, or a milder default")
	case from != nil:
		read.CriticalFrom, _ = r.share(from, "critical_from")
	}
	return read
}

func (r *reader) severityWord(n *yaml.Node) Severity {
	text, ok := r.name(n, "severity")
	if !ok {
		return SeverityDefault
	}
	severity, err := ParseSeverity(text)
	if err != nil {
		r.failErr(n, wrongValue, err)
	}
	return severity
}

// share reads a share of clients: more than 0%, at most 100%.
func (r *reader) share(n *yaml.Node, key string) (float64, bool) {
	text, ok := r.name(n, key)
	if !ok {
		return 0, false
	}
	number, isShare := strings.CutSuffix(text, "%")
	percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !isShare || err != nil || !(percent > 0 && percent <= 100) {
		r.fail(n, wrongValue, fmt.Sprintf("%s is %s, and must be a share of the clients", key, quoted(text)), likeShare(text, "write more than 0% and at most 100%, for example 50%"))
		return 0, false
	}
	return percent, true
}

// likeShare says what to write in place of 50 or 0.5, and otherwise for all else.
func likeShare(wrong, otherwise string) string {
	n, err := strconv.ParseFloat(wrong, 64)
	switch {
	case err == nil && 0 < n && n < 1:
		return fmt.Sprintf("write %.4g%%", 100*n)
	case err == nil && 1 <= n && n <= 100:
		return fmt.Sprintf("write %.4g%%", n)
	default:
		return otherwise
	}
}
