package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// warnPattern notes matchers that compare letter for letter, and look as if a
// pattern was meant: nobody is called batch-*. No feed ever is, which is an error.
func (r *reader) warnPattern(at spot, match []Matcher) {
	for i := range match {
		m := &match[i]
		if !m.likesPattern() || m.label == FeedLabel && !m.negate {
			continue
		}
		r.found.add(at, matchesNothing, shortened(m.String())+" is taken letter for letter, and looks like a pattern", m.asPattern())
	}
}

// likesPattern says that m has a value to compare with that looks like a pattern.
func (m *Matcher) likesPattern() bool { return m.test == equals && strings.ContainsAny(m.value, "*|") }

// asPattern says how m is written with the regular expression that was meant.
func (m *Matcher) asPattern() string {
	op := "=~"
	if m.negate {
		op = "!~"
	}
	return fmt.Sprintf("write %s%s%q", m.label, op, shortened(likePattern(m.value)))
}

var globStar = regexp.MustCompile(`(^|[^.])\*`)

// likePattern is the regular expression that a person meant by a value such as
// batch-* or enterprise|pro.
func likePattern(value string) string { return globStar.ReplaceAllString(value, "$1.*") }
