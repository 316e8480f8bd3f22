package report

import (
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// figure is one row of a table of names and values.
type figure struct{ Name, Text string }

// facts are what the document says at a glance.
func (r *Report) facts() []figure {
	var all []figure
	add := func(name, text string) {
		if text != "" {
			all = append(all, figure{name, text})
		}
	}
	f, w := r.Feeds[0], r.words
	add("Severity", r.Severity.String())
	add("Status", r.status())
	add("Affected feed", r.name(f.Name))
	add("Owner", r.name(f.Owner))
	add("Affected clients", w.Count(r.Clients.Affected)+" of "+w.Count(r.Clients.Of))
	add("Environment", r.environment())
	add("Duration", r.duration())
	return all
}

func (r *Report) status() string {
	switch {
	case neverCame(r.inc):
		return "no longer watched since " + r.stamp(r.Times.Resolved)
	case r.State == watchdog.StateResolved && r.inc.ResolvedBy != "" && r.Times.NormalAgain.IsZero():
		return "closed by " + r.name(r.inc.ResolvedBy) + " on " + r.stamp(r.Times.Resolved)
	case r.State == watchdog.StateResolved:
		return "resolved on " + r.stamp(r.Times.Resolved)
	default:
		return string(r.State)
	}
}

func (r *Report) environment() string {
	parts := []string{}
	if where := r.words.Where(r.inc); where != "" {
		parts = append(parts, where)
	}
	if r.Environment.Install != "" {
		parts = append(parts, "installation "+r.Environment.Install)
	}
	return strings.Join(parts, "; ")
}

func (r *Report) duration() string {
	s := r.words.Age(r.Intervals.Duration)
	if !r.over() {
		return s + " until now"
	}
	if silent := r.Intervals.Silent; silent > 0 && silent < r.Intervals.Duration {
		s += ", of which silent " + r.words.Age(silent)
	}
	return s
}

// moment is one of the times that a root-cause document asks for, and how long
// it took to get there.
type moment struct{ Name, At, After string }

func (r *Report) moments() []moment {
	t, i, w := r.Times, r.Intervals, r.words
	var all []moment
	add := func(name string, at feed.Instant, otherwise, after string) {
		switch {
		case !at.IsZero():
			all = append(all, moment{name, r.stamp(at), after})
		case otherwise != "":
			all = append(all, moment{name, otherwise, ""})
		}
	}
	began := "Trouble began"
	if r.Cause == watchdog.CauseSilent {
		began = "Outage began (last update)"
		if r.inc.Since.IsZero() {
			began = "Updates expected"
		}
	}
	add(began, t.Began, "", "")
	add("Detected", t.Detected, "", w.Age(i.Detect)+" after it began")
	add("First page", t.FirstPage, "nobody was paged", "")
	after := w.Age(i.Acknowledge) + " after it was detected"
	if t.AcknowledgedBy != "" {
		after += ", by " + r.name(t.AcknowledgedBy)
	}
	add("Acknowledged", t.Acknowledged, r.nobody(), after)
	add("Data loss began", t.LossBegan, "", w.Age(between(t.Began, t.LossBegan))+" after it began")
	not := "not yet"
	if neverCame(r.inc) {
		not = "no update came again"
	}
	updates := not
	if r.Cause != watchdog.CauseSilent {
		updates = ""
	}
	add("Updates again", t.UpdatesAgain, updates, w.Age(i.Silent)+" after it began")
	again := w.Age(i.Recover) + " after it was detected"
	if i.CatchUp > 0 {
		again += ", " + w.Age(i.CatchUp) + " to catch up"
	}
	add("Normal again", t.NormalAgain, not, again)
	add("Resolved", t.Resolved, "", "")
	return all
}
