package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// warnPattern notes matchers that compare letter for letter, and look as if a
// pattern was meant: nobody is called batch-*.
func (r *reader) warnPattern(at spot, match []Matcher) {
	for i := range match {
		m := &match[i]
		if m.test != equals || !strings.ContainsAny(m.value, "*|") {
			continue
		}
		op, meant := "=", "=~"
		if m.negate {
			op, meant = "!=", "!~"
		}
		r.found.add(at, matchesNothing,
			fmt.Sprintf("%s%s%q is taken letter for letter, and looks like a pattern", m.label, op, shortened(m.value)),
			fmt.Sprintf("write %s%s%q", m.label, meant, shortened(likePattern(m.value))))
	}
}

var globStar = regexp.MustCompile(`(^|[^.])\*`)

// likePattern is the regular expression that a person meant by a value such as
// batch-* or enterprise|pro.
func likePattern(value string) string { return globStar.ReplaceAllString(value, "$1.*") }
