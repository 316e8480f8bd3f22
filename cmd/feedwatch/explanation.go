package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// explanation is what a rule set means for one client.
type explanation struct {
	Feed        string            `json:"feed"`
	Client      string            `json:"client"`
	Labels      feed.Labels       `json:"labels,omitzero"`
	At          feed.Instant      `json:"at"`
	Last        feed.Instant      `json:"last_update"`
	LastEvent   feed.Instant      `json:"last_event,omitzero"`
	Assumed     bool              `json:"assumed"` // nobody said when the last update was: it is At
	Ignored     *explainedIgnore  `json:"ignored,omitempty"`
	Rule        *explainedRule    `json:"rule"` // that governs it; null: none does
	Others      []explainedOther  `json:"other_rules"`
	Groups      []explainedRule   `json:"group_rules"`      // for the whole or a label that it is part of
	Course      []explainedMoment `json:"course"`           // if nothing more arrives, and nobody acknowledges
	Pauses      []explainedWindow `json:"pauses,omitempty"` // in which its clock stands still before it is stale, the first ones
	LossBegins  feed.Instant      `json:"loss_begins,omitzero"`
	Maintenance []explainedWindow `json:"maintenance,omitempty"` // that hold its pages now, when it turns stale, or next
	DependsOn   []string          `json:"depends_on,omitempty"`
	Defaults    []string          `json:"defaults,omitempty"` // what the feed takes from those of all feeds
	Live        *explainedLive    `json:"live,omitempty"`
}

type explainedRule struct {
	Name       string         `json:"name"`
	At         string         `json:"at"`    // file:line:col
	About      string         `json:"about"` // when it is stale, in words
	Severity   rules.Severity `json:"severity"`
	Quorum     string         `json:"quorum,omitempty"`
	MinUpdates string         `json:"min_updates,omitempty"` // for example "100 per 1h"
	Critical   float64        `json:"critical_from_percent,omitempty"`
	Escalation string         `json:"escalation"`
	Implied    bool           `json:"implied,omitempty"`
	Defaults   []string       `json:"defaults,omitempty"` // what it takes from elsewhere, and where that stands

	severities rules.Severities
}

type explainedOther struct {
	Name string `json:"name"`
	At   string `json:"at"`
	Why  string `json:"why"` // it does not govern
}

type explainedMoment struct {
	At     feed.Instant   `json:"at"`
	What   string         `json:"what"`
	Notify []rules.Target `json:"notify,omitempty"`
}

// explainedIgnore is until when a client is not watched, and why.
type explainedIgnore struct {
	Until  feed.Instant `json:"until"`
	Reason string       `json:"reason"`
	At     string       `json:"at"`
}

type explainedWindow struct {
	Name  string       `json:"name,omitempty"`
	From  feed.Instant `json:"from"`
	Until feed.Instant `json:"until"`
}

// explainedLive is what a running feedwatch says of the client now.
type explainedLive struct {
	Verdict  watchdog.Verdict      `json:"verdict"`
	Rule     string                `json:"rule,omitempty"`
	Deadline feed.Instant          `json:"deadline,omitzero"`
	Incident string                `json:"incident,omitempty"`
	Updates  *watchdog.UpdatesView `json:"updates,omitempty"`
	Next     *watchdog.Next        `json:"next,omitempty"`
}

// explain fills in what the rules of f say; whom, At, Last and LastEvent are there.
func (e *explanation) explain(set *rules.Set, f *rules.Feed) {
	e.Others, e.Groups, e.Course = []explainedOther{}, []explainedRule{}, []explainedMoment{}
	if i := f.Ignored(e.Client, e.Labels, e.At); i != nil {
		e.Ignored = &explainedIgnore{i.Until(), i.Reason(), i.Pos().String()}
	}
	governs := f.Govern(e.Client, e.Labels)
	for _, reading := range f.Read(e.Client, e.Labels) {
		if reading.Rule != governs {
			e.Others = append(e.Others, explainedOther{reading.Rule.Name(), reading.Rule.Pos().String(), e.whyNot(reading, governs)})
		}
	}
	for _, r := range f.GroupsOf(e.Client, e.Labels) {
		e.Groups = append(e.Groups, describe(r))
	}
	e.DependsOn, e.Defaults = f.DependsOn(), defaulted(f.Defaulted())
	stale := feed.Instant(0)
	if governs != nil {
		described := describe(governs)
		e.Rule = &described
		if e.Ignored == nil {
			stale = governs.Deadline(e.Last)
			e.foretell(governs, f.Retention())
		}
	}
	for _, m := range set.Maintenances() {
		if !m.Matches(f.Name(), e.Client, e.Labels) {
			continue
		}
		w, ok := m.Window(e.At)
		if !ok && !stale.IsZero() {
			w, ok = m.Window(stale)
		}
		if !ok {
			w, ok = m.Next(e.At)
		}
		if ok {
			e.Maintenance = append(e.Maintenance, explainedWindow{m.Name(), w.From, w.To})
		}
	}
}

func (e *explanation) whyNot(reading rules.Reading, governs *rules.Rule) string {
	if len(reading.Misses) == 0 {
		return fmt.Sprintf("it fits, and %q above it governs", governs.Name())
	}
	miss := &reading.Misses[0]
	has := fmt.Sprintf("%s is %q", miss.Label(), e.Labels.Get(miss.Label()))
	switch {
	case miss.Label() == rules.ClientLabel:
		has = fmt.Sprintf("client is %q", e.Client)
	case e.Labels.Get(miss.Label()) == "":
		has = "it has no label " + miss.Label()
	}
	return fmt.Sprintf("it wants %s, and %s", miss.String(), has)
}

func describe(r *rules.Rule) explainedRule {
	d := explainedRule{Name: r.Name(), At: r.Pos().String(), Severity: r.Severity(), Implied: r.Implied(), Critical: r.Severities().CriticalFrom, severities: r.Severities()}
	if r.Escalation() != nil {
		d.Escalation = r.Escalation().Name()
	}
	d.Defaults = defaulted(r.Defaulted())
	what := "an update"
	switch r.Per() {
	case rules.PerClient:
	case rules.PerFeed:
		what = "any update at all"
	default:
		what = "any update of its " + r.Per()
	}
	if s := r.Expect(); s != nil {
		zone := s.Timezone()
		if zone == "" {
			zone = "UTC"
		}
		d.About = fmt.Sprintf("%s for each run of cron %q in %s, at most %s late", what, s.Cron(), zone, rules.FormatDuration(s.Grace()))
	} else {
		d.About = fmt.Sprintf("%s every %s", what, rules.FormatDuration(r.StaleAfter()))
	}
	if u := r.MinUpdates(); !u.IsZero() {
		d.MinUpdates = u.String()
		d.About += fmt.Sprintf(", and at least %d updates in %s", u.Count, rules.FormatDuration(u.Per))
	}
	if r.Active() != nil {
		d.About += ", counting " + r.Active().String()
	}
	if q := r.Quorum(); !q.IsZero() {
		d.Quorum = q.String()
		d.About += fmt.Sprintf(", and it pages once %s of its clients are stale", q)
	}
	return d
}

// pausesShown bounds how often it is said that the clock stands still.
const pausesShown = 5

// defaulted says of each value where it comes from.
func defaulted(all []rules.Defaulted) []string {
	var lines []string
	for _, d := range all {
		whose := "of all feeds"
		if d.Feed {
			whose = "of the feed"
		}
		lines = append(lines, fmt.Sprintf("%s is the default %s (%s)", d, whose, d.Pos))
	}
	return lines
}

// foretell is the course of a silence from the last update on.
func (e *explanation) foretell(r *rules.Rule, retention time.Duration) {
	lossFrom := e.LastEvent
	if lossFrom.IsZero() {
		lossFrom = e.Last
	}
	for _, w := range r.Active().Pauses(e.Last, r.Deadline(e.Last), pausesShown) {
		e.Pauses = append(e.Pauses, explainedWindow{From: w.From, Until: w.To})
	}
	for _, m := range r.Course(e.Last, lossFrom, retention) {
		what := ""
		switch m.Kind {
		case rules.TurnsLate:
			what = "late: shown, and nobody is told"
		case rules.TurnsStale:
			what = "stale: an incident opens"
			if q := r.Quorum(); !q.IsZero() {
				what = fmt.Sprintf("stale: an incident opens if %s of its clients are; otherwise it is late until data is about to be lost", q)
			}
		case rules.LossBegins:
			what = "data loss begins: all are told, whoever acknowledged"
			e.LossBegins = m.At
		case rules.StepTaken:
			if lead := m.Step.BeforeLoss; !lead.IsZero() {
				what = fmt.Sprintf("%s before data is lost, whoever acknowledged", rules.FormatDuration(lead.Of(retention)))
			} else if m.Step.Repeat > 0 {
				what = "again every " + rules.FormatDuration(m.Step.Repeat)
			}
		}
		e.Course = append(e.Course, explainedMoment{m.At, what, m.Notify})
	}
}

// text writes it for people.
func (e *explanation) text(out io.Writer) error {
	w := bufio.NewWriter(out) // keeps its first error until Flush
	name := e.Client + " of " + e.Feed
	if !e.Labels.IsZero() {
		name += " (" + e.Labels.String() + ")"
	}
	fmt.Fprintf(w, "%s\n", name)
	if l := e.Live; l != nil {
		e.writeLive(w, l)
	}
	if i := e.Ignored; i != nil {
		fmt.Fprintf(w, "\nIgnored until %s UTC (%s): %s\nUntil then it opens nothing; from then on it is watched again\n", notifiers.Day(i.Until.Time()), i.At, i.Reason)
	}
	if e.Rule == nil {
		fmt.Fprint(w, "\nNo rule governs it: by itself it can be silent, and nobody is told\n")
	} else {
		fmt.Fprintf(w, "\nGoverned by %s\n", e.Rule)
		writeDefaults(w, e.Rule.Defaults)
	}
	for _, o := range e.Others {
		fmt.Fprintf(w, "  not by %q (%s): %s\n", o.Name, o.At, o.Why)
	}
	for i := range e.Groups {
		fmt.Fprintf(w, "Part of what is watched by %s\n", &e.Groups[i])
		writeDefaults(w, e.Groups[i].Defaults)
	}
	if len(e.Defaults) > 0 {
		fmt.Fprintf(w, "What the feed itself takes from the defaults:\n")
		writeDefaults(w, e.Defaults)
	}
	e.writeCourse(w)
	for _, m := range e.Maintenance {
		fmt.Fprintf(w, "Maintenance %q holds its pages, but those about data loss: %s to %s UTC\n", m.Name, notifiers.Day(m.From.Time()), notifiers.Day(m.Until.Time()))
	}
	for _, name := range e.DependsOn {
		fmt.Fprintf(w, "Depends on %s: while that has been paged for, this is not\n", name)
	}
	return w.Flush()
}

func writeDefaults(w io.Writer, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

func (r *explainedRule) String() string {
	place := r.At
	if r.Implied {
		place = "implied by " + r.At
	}
	return fmt.Sprintf("%q (%s): %s; %s, %s", r.Name, place, r.About, r.severities, r.Escalation)
}

func (e *explanation) writeLive(w io.Writer, l *explainedLive) {
	fmt.Fprintf(w, "Now %s", strings.ReplaceAll(l.Verdict.String(), "_", " "))
	if l.Rule != "" {
		fmt.Fprintf(w, " by the rule %q in force", l.Rule)
	}
	if l.Incident != "" {
		fmt.Fprintf(w, ", in incident %s", l.Incident)
	}
	fmt.Fprintln(w)
	if u := l.Updates; u != nil {
		fmt.Fprintf(w, "%d updates came since %s UTC, of %d in %s\n", u.Came, notifiers.Day(u.From.Time()), u.AtLeast, rules.FormatDuration(u.Per))
	}
	if l.Next != nil {
		fmt.Fprintf(w, "Next: %s at %s UTC, unless someone acknowledges\n", targetList(l.Next.Targets), notifiers.Day(l.Next.At.Time()))
	}
	if (e.Rule == nil) != (l.Rule == "") || e.Rule != nil && e.Rule.Name != l.Rule {
		fmt.Fprintln(w, "These files say otherwise: they are not the set in force")
	}
}

func (e *explanation) writeCourse(w io.Writer) {
	if e.Rule == nil || e.Ignored != nil {
		return
	}
	if len(e.Course) == 0 {
		fmt.Fprint(w, "\nNo further run is expected, so it never turns stale\n")
		return
	}
	since := "the last update at"
	if e.Assumed {
		since = "an update at"
	}
	fmt.Fprintf(w, "\nIf nothing comes after %s %s UTC, and nobody acknowledges:\n", since, notifiers.Day(e.Last.Time()))
	rows := e.pauses()
	for _, m := range e.Course {
		parts := []string{}
		if len(m.Notify) > 0 {
			parts = append(parts, targetList(m.Notify))
		}
		if m.What != "" {
			parts = append(parts, m.What)
		}
		rows = append(rows, explainedMoment{At: m.At, What: strings.Join(parts, "; ")})
	}
	slices.SortStableFunc(rows, func(a, b explainedMoment) int { return cmp.Compare(a.At, b.At) })
	for _, m := range rows {
		fmt.Fprintf(w, "  %21s UTC %12s  %s\n", notifiers.Day(m.At.Time()), "+"+rules.FormatDuration(m.At.Sub(e.Last)), m.What)
	}
}

// pauses are when the clock stands still, and goes on.
func (e *explanation) pauses() []explainedMoment {
	var rows []explainedMoment
	for i, p := range e.Pauses {
		goesOn := "the clock goes on"
		if i == pausesShown-1 {
			goesOn += ", and stands still again outside of active hours"
		}
		rows = append(rows, explainedMoment{At: p.From, What: "the clock stands still: active hours are over"}, explainedMoment{At: p.Until, What: goesOn})
	}
	return rows
}

func targetList(all []rules.Target) string {
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}
