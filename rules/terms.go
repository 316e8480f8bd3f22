package rules

import "fmt"

// term is one thing that a rule says of when its series are in trouble, how severe
// that is, and when it is over, as rule files write it; "" where it says nothing.
type term struct{ key, value string }

// terms are all of them, always the same ones in the same order.
func (r *Rule) terms() []term {
	age, expect, lag, quorum, updates := "", "", "", "", ""
	if s := r.expect; s == nil {
		age = FormatDuration(r.staleAfter)
	} else {
		expect = fmt.Sprintf("{cron: %q, timezone: %s, early: %s, grace: %s}", s.cron, orUTC(s.timezone), FormatDuration(s.early), FormatDuration(s.grace))
	}
	if r.lagOver != r.staleAfter {
		lag = FormatDuration(r.lagOver)
	}
	if !r.quorum.IsZero() {
		quorum = r.quorum.String()
	}
	if !r.minUpdates.IsZero() {
		updates = r.minUpdates.String()
	}
	return []term{
		{"stale_after", age},
		{"expect", expect},
		{"active", r.active.String()},
		{"lag_over", lag},
		{"quorum", quorum},
		{"min_updates", updates},
		{"idle_ok", fmt.Sprint(r.idleOK)},
		{"severity", r.severity.String()},
		{"resolve_after", FormatDuration(r.resolveAfter)},
	}
}

func orUTC(timezone string) string {
	if timezone == "" {
		return "UTC"
	}
	return timezone
}

// JudgesOtherwise is what r says otherwise than was did of when series are in
// trouble, how severe that is, and when it is over. Whom a rule governs, and who is
// told, is no part of it.
func (r *Rule) JudgesOtherwise(was *Rule) []Change {
	var all []Change
	before := was.terms()
	for i, now := range r.terms() {
		if now != before[i] {
			all = append(all, Change{What: now.key, Was: before[i].value, Now: now.value})
		}
	}
	added, removed := r.active.HolidaysSince(was.active)
	if added != "" {
		all = append(all, Change{What: "holidays " + added, Now: whole})
	}
	if removed != "" {
		all = append(all, Change{What: "holidays " + removed, Was: whole})
	}
	return all
}

// Otherwise is what e says otherwise than was did: which ladder it is, or the steps
// that differ, by their number. Either may be nil.
func (e *Escalation) Otherwise(was *Escalation) []Change {
	switch {
	case e == nil && was == nil:
		return nil
	case e == nil:
		return []Change{{What: "escalation", Was: was.name, Now: "none"}}
	case was == nil:
		return []Change{{What: "escalation", Was: "none", Now: e.name}}
	case e.name != was.name:
		return []Change{{What: "escalation", Was: was.name, Now: e.name}}
	}
	var all []Change
	for i := range max(len(was.steps), len(e.steps)) {
		if before, now := was.step(i), e.step(i); before != now {
			all = append(all, Change{What: fmt.Sprintf("escalation %s, step %d", e.name, i+1), Was: before, Now: now})
		}
	}
	return all
}

// step is the text of one; "" past the last.
func (e *Escalation) step(i int) string {
	if i >= len(e.steps) {
		return ""
	}
	return e.steps[i].String()
}
