package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// govern finds the rule an open incident goes on under after an edit, and tells in its
// timeline what that changed of what it is judged by: once, however much it is, and
// nothing where it is nothing. members are now under those rules.
func (m *Machine) govern(inc *incident, before map[*incident]standing, members []governed) {
	named := inc.feed.ruleNamed(inc.Rule)
	r := named
	if r == nil || r.Per() == perClient { // another may govern the anchor now
		r = nil
		if id, ok := inc.feed.row(inc.Anchor); ok {
			r = inc.feed.ruleOf(inc.feed.blocks[id.block()], id.place())
		}
	}
	if r == nil {
		r = named
	}
	if r == nil { // a group rule that was renamed or replaced
		r = inc.feed.groupRuleFor(inc.pattern)
	}
	was := inc.terms()
	inc.criticalFrom = 0
	for _, b := range inc.feed.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq == inc.seq {
				inc.raise(inc.feed, b, i)
			}
		}
	}
	m.setRule(inc, r)
	m.resumeRepeat(inc)
	if inc.terms() != was {
		inc.dirty = true
	}
	if edit := m.editOf(inc, before, members); edit != nil || inc.Rule != was.rule {
		m.record(inc, Event{Kind: EventRule, Note: inc.Rule, Edit: edit})
	}
	inc.formerly = ""
	if l := &inc.Loss; l.Retention != was.retention && (inc.trouble > 0 || !l.Begins.IsZero()) {
		inc.runLoss()
	}
	inc.touched = true
}

// terms are what an edit of the rules can change of an open incident.
type terms struct {
	rule, hours, escalation, runbook, owner string
	severity                                rules.Severity
	allowed, retention                      time.Duration
}

func (inc *incident) terms() terms {
	return terms{inc.Rule, inc.Hours, inc.Escalation, inc.Runbook, inc.Owner, inc.Severity, inc.Allowed, inc.Loss.Retention}
}

// groupRuleFor is the group rule that counts by a label of p, or the whole.
func (f *feedState) groupRuleFor(p pattern) *rules.Rule {
	for _, r := range f.rules[f.groups:] {
		if p.Get(r.Per()) != "" || p.whole() && r.Per() == perFeed {
			return r
		}
	}
	return nil
}

func (f *feedState) ruleNamed(name string) *rules.Rule {
	for _, r := range f.rules {
		if r.Name() == name {
			return r
		}
	}
	return nil
}
