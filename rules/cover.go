package rules

import (
	"slices"
	"strings"
)

// rulesAbove finds, among the rules above one, those that may cover it, without
// looking at each: a feed may have thousands.
type rulesAbove struct {
	byValue map[labelValue][]*Rule // those with a matcher on values, by each of them
	others  []*Rule
}

type labelValue struct{ label, value string }

func newRulesAbove() *rulesAbove { return &rulesAbove{byValue: map[labelValue][]*Rule{}} }

func (a *rulesAbove) add(r *Rule) {
	for i := range r.match {
		if values := r.match[i].literals(); len(values) > 0 {
			for _, v := range values {
				at := labelValue{r.match[i].label, v}
				a.byValue[at] = append(a.byValue[at], r)
			}
			return
		}
	}
	a.others = append(a.others, r)
}

// covering is a rule above that takes all that r could govern; nil for none. What
// is only for certain values covers r only where r has a matcher on some of them.
func (a *rulesAbove) covering(r *Rule) *Rule {
	is := func(above *Rule) bool { return above.labels&^r.labels == 0 && above.covers(r) }
	for i := range r.match {
		values := r.match[i].literals()
		if len(values) == 0 {
			continue
		}
		candidates := a.byValue[labelValue{r.match[i].label, values[0]}]
		if n := slices.IndexFunc(candidates, is); n >= 0 {
			return candidates[n]
		}
	}
	if n := slices.IndexFunc(a.others, is); n >= 0 {
		return a.others[n]
	}
	return nil
}

// literals are the values that m fits, where it names them.
func (m *Matcher) literals() []string {
	switch {
	case m.negate:
		return nil
	case m.test == equals:
		return []string{m.value}
	case m.test == oneOf:
		return m.values
	default:
		return nil
	}
}

// covers says that every client that other fits is one that r fits too, as far as
// that can be told from the matchers alone.
func (r *Rule) covers(other *Rule) bool {
	for i := range r.match {
		mine := &r.match[i]
		if !mine.fitsAll() && !slices.ContainsFunc(other.match, func(m Matcher) bool { return mine.covers(&m) }) {
			return false
		}
	}
	return true
}

// covers says that m fits whatever other, on the same label, fits.
func (m *Matcher) covers(other *Matcher) bool {
	switch {
	case m.label != other.label || m.test == never || other.test == never:
		return false
	case m.negate == other.negate && m.test == other.test && m.value == other.value && slices.Equal(m.values, other.values):
		return m.test != expression || m.alert.Value == other.alert.Value
	case other.negate:
		return false
	case other.test == equals:
		return m.fits(other.value)
	case other.test == oneOf:
		return !slices.ContainsFunc(other.values, func(v string) bool { return !m.fits(v) })
	case other.test == prefix:
		return m.test == prefix && !m.negate && strings.HasPrefix(other.value, m.value)
	default:
		return false
	}
}

// labelBits are the labels on which it depends whether all of the matchers fit,
// each one of 64 bits: two labels may share one.
func labelBits(all []Matcher) (bits uint64) {
	const prime = 16777619 // FNV-1a
	for i := range all {
		if all[i].fitsAll() {
			continue
		}
		h := uint32(2166136261)
		for _, b := range []byte(all[i].label) {
			h = (h ^ uint32(b)) * prime
		}
		bits |= 1 << (h % 64)
	}
	return bits
}
