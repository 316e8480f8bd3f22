package rules

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/matcher/parse"
	alertlabels "github.com/prometheus/alertmanager/pkg/labels"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// The names under which matchers see a client's own name, and a selector the
// feed's.
const (
	ClientLabel = "client"
	FeedLabel   = "feed"
)

// Matcher is one matcher in Alertmanager's syntax over a client's name (as
// "client") and its labels, and in a Selector over the feed's name too. Regular
// expressions are anchored. Only ParseMatchers and ParseSelector make one; the
// zero Matcher fits nothing.
type Matcher struct {
	label  string
	test   test
	negate bool
	value  string               // of equals and prefix
	values []string             // of oneOf
	alert  *alertlabels.Matcher // as it was read; of expression
}

// test is how a value is looked at. Most regular expressions in rule files are
// a prefix or a choice of words, which need no machine to run.
type test uint8

const (
	never test = iota
	equals
	prefix
	oneOf
	anything
	expression
)

// ParseMatchers reads one or more matchers, `tier="enterprise"` or
// `{client=~"batch-.*", cluster!="fsn1"}`; all of them must fit.
func ParseMatchers(s string) ([]Matcher, error) {
	return parseMatchers(s, `tier="enterprise", or leave match out`, checkClientLabel)
}

// parseMatchers reads matchers whose names check allows.
func parseMatchers(s, example string, check func(name string) error) ([]Matcher, error) {
	if curly(s) {
		return nil, fmt.Errorf(`%s has curly quotes; write straight ones: 'tier="enterprise"'`, quoted(s))
	}
	parsed, err := parse.Matchers(s)
	if err != nil {
		return nil, matcherError(s, err)
	}
	if len(parsed) == 0 {
		return nil, fmt.Errorf(`%s holds no matcher; write for example %s`, quoted(s), example)
	}
	matchers := make([]Matcher, 0, len(parsed))
	for _, p := range parsed {
		if err := check(p.Name); err != nil {
			return nil, err
		}
		m, err := newMatcher(p)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, m)
	}
	return matchers, nil
}

// checkClientLabel says what a rule's matcher may look at.
func checkClientLabel(name string) error {
	if name == FeedLabel {
		return errors.New(`a rule looks only at the clients of its own feed; leave "feed" out`)
	}
	if name == ClientLabel {
		return nil
	}
	if err := feed.CheckLabelName(name); err != nil {
		return fmt.Errorf("%w; %s", plain(err), didYouMean(name, []string{ClientLabel}, "match client or one of its labels"))
	}
	return nil
}

func matcherError(s string, err error) error {
	var bad *syntax.Error
	if errors.As(err, &bad) {
		bad = alone(s, bad)
		expr := strings.TrimSuffix(strings.TrimPrefix(bad.Expr, "^(?:"), ")$")
		return fmt.Errorf("the regular expression %s is wrong: %s; %s", quoted(expr), bad.Code, likeRegex(expr))
	}
	if meant, ok := likeMatcher(s); ok {
		return fmt.Errorf("%s is not a matcher; %s", quoted(s), meant)
	}
	reason := err.Error()
	if _, after, ok := strings.Cut(reason, ": "); ok && strings.Trim(reason[:len(reason)-len(after)], "0123456789: ") == "" {
		reason = after // without the offsets within the matcher
	}
	return fmt.Errorf(`%s is not a matcher: %s; write label="value", label!="value", label=~"regex" or label!~"regex"`,
		quoted(s), reason)
}

func newMatcher(p *alertlabels.Matcher) (Matcher, error) {
	m := Matcher{label: p.Name, alert: p, value: p.Value, test: equals}
	if p.Type == alertlabels.MatchRegexp || p.Type == alertlabels.MatchNotRegexp {
		// Alertmanager puts ^(?: and )$ around the text as it is, so that
		// `a)|(?:b` compiles, and is not anchored. Alone it must be one too.
		if _, err := syntax.Parse(p.Value, syntax.Perl); err != nil {
			return Matcher{}, matcherError(p.Value, err)
		}
		m.simplify()
	}
	m.negate = p.Type == alertlabels.MatchNotEqual || p.Type == alertlabels.MatchNotRegexp
	return m, nil
}

// simplify finds the cheapest test that says the same as the regular expression.
// Neither names nor labels hold line breaks, so .* is everything.
func (m *Matcher) simplify() {
	words := strings.Split(m.value, "|")
	start, open := strings.CutSuffix(m.value, ".*")
	switch {
	case m.value == ".*":
		m.test = anything
	case literal(words...):
		m.test, m.values = oneOf, words
	case open && literal(start):
		m.test, m.value = prefix, start
	default:
		m.test = expression
	}
}

func literal(words ...string) bool {
	for _, w := range words {
		if regexp.QuoteMeta(w) != w {
			return false
		}
	}
	return true
}

// Matches says whether a matcher of a rule fits.
func (m *Matcher) Matches(client string, labels feed.Labels) bool {
	if m.label == ClientLabel {
		return m.fits(client)
	}
	return m.fits(labels.Get(m.label))
}

// fits says whether the matcher takes what its label holds.
func (m *Matcher) fits(value string) bool {
	fits := false
	switch m.test {
	case never:
		return false
	case equals:
		fits = value == m.value
	case prefix:
		fits = strings.HasPrefix(value, m.value)
	case oneOf:
		fits = slices.Contains(m.values, value)
	case anything:
		fits = true
	case expression:
		return m.alert.Matches(value)
	}
	return fits != m.negate
}

// String is the matcher as Alertmanager writes it.
func (m *Matcher) String() string {
	if m.alert == nil {
		return ""
	}
	return m.alert.String()
}

// fitsAll says that every client is matched: a client's name is never empty.
func (m *Matcher) fitsAll() bool {
	switch m.test {
	case anything:
		return !m.negate
	case equals:
		return m.negate && m.label == ClientLabel && m.value == ""
	case expression:
		return !m.negate && m.label == ClientLabel && m.value == ".+"
	default:
		return false
	}
}
