package report

import (
	"math"
	"slices"
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// name is a text from outside, fit to show in a line.
func (r *Report) name(s string) string {
	const runesMax = 100
	return r.words.Clean(s, runesMax)
}

// day is a time to the minute, or to the second where the rules count in seconds.
func (r *Report) day(t feed.Instant) string {
	return r.words.Day(t.Time().Truncate(unit(r.inc)))
}

func (r *Report) stamp(t feed.Instant) string { return r.day(t) + " UTC" }

func (r *Report) span(from, to feed.Instant) string { return r.day(from) + " to " + r.stamp(to) }

// summary is what happened, in a few sentences that a customer can read.
func (r *Report) summary() string {
	said := []string{r.trouble(), r.recovery(), r.loss(), r.detection()}
	return strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), " ")
}

func (r *Report) trouble() string {
	_, whom := r.words.Affected(r.inc)
	if whom != "" {
		whom = " for " + whom
	}
	began := r.stamp(r.Times.Began)
	switch r.Cause {
	case watchdog.CauseFrozen:
		return "Updates went on arriving" + whom + ", but from " + began + " on none of them was new."
	case watchdog.CauseBehind:
		return "Updates arrived more slowly than they were made" + whom + "; by " + began + " they were " + r.words.Age(r.inc.Allowed) + " late."
	case watchdog.CauseBlind:
		return "From " + began + " on it could not be seen whether updates arrived" + whom + "."
	default:
		if r.inc.Since.IsZero() {
			return "Updates were expected from " + began + " on, and none had ever arrived" + whom + "."
		}
		return "Updates stopped on " + began + whom + "."
	}
}

func (r *Report) recovery() string {
	t := r.Times
	var s string
	if !t.UpdatesAgain.IsZero() {
		s = "They came again on " + r.stamp(t.UpdatesAgain) + ", " + r.words.Age(r.Intervals.Silent) + " later"
	}
	switch {
	case r.Cause == watchdog.CauseBlind && !t.NormalAgain.IsZero():
		return "It could be seen again on " + r.stamp(t.NormalAgain) + "."
	case s == "" && !t.NormalAgain.IsZero():
		return "They were current again on " + r.stamp(t.NormalAgain) + ", " + r.words.Age(r.Intervals.Duration) + " later."
	case !t.NormalAgain.IsZero():
		return s + ", and were current again on " + r.stamp(t.NormalAgain) + "."
	case r.State == watchdog.StateResolved:
		return "It was closed by hand on " + r.stamp(t.Resolved) + "."
	case s != "":
		return s + ", and are not current again yet."
	default:
		return "It is not over yet."
	}
}

func (r *Report) loss() string {
	l := r.Lost
	switch {
	case r.Cause == watchdog.CauseBlind && r.over():
		return "" // what it was like meanwhile is for others to say
	case r.Retention == 0:
		return "How long the queue upstream keeps an update is not written into the rules, so what was lost is not known."
	case l == nil && !r.inc.Loss.Begins.IsZero():
		return "Nothing is lost yet: the queue upstream keeps an update for " + r.words.Age(r.Retention) + ", so data loss begins on " + r.stamp(r.inc.Loss.Begins) + "."
	case l == nil && !r.over() && r.Times.UpdatesAgain.IsZero():
		return "When data loss begins is not known: no update was ever seen."
	case l == nil:
		return "No update was lost."
	}
	s := "The queue upstream keeps an update for " + r.words.Age(r.Retention) + ": those made from " + r.span(l.From, l.To) +
		" (" + r.words.Age(l.Length) + ") "
	if l.Growing {
		s += "are lost, and more are being lost"
	} else {
		s += "were lost"
	}
	s += about(r.words, l.Estimate) + "."
	if r.Late != nil && !r.Late.Growing {
		s += " Those made after that, up to " + r.stamp(r.Late.To) + ", came late."
	}
	return s
}

// about is how many updates that was, as exact as an estimate is.
func about(w Words, updates float64) string {
	if !(updates > 0) || updates > 1e15 {
		return ""
	}
	return ", about " + w.Count(int(rounded(updates)))
}

// rounded is an estimate to three figures.
func rounded(n float64) float64 {
	unit := math.Pow(10, max(0, math.Floor(math.Log10(max(n, 1)))-2))
	return math.Round(n/unit) * unit
}

func (r *Report) detection() string {
	t, w := r.Times, r.words
	s := "It was detected " + w.Age(r.Intervals.Detect) + " after it began"
	if r.Cause == watchdog.CauseSilent && !r.inc.Since.IsZero() {
		s = "It was detected " + w.Age(r.Intervals.Detect) + " after the last update"
	}
	switch n := len(r.inc.Pages); {
	case n == 0:
		return s + "; nobody was paged."
	case !t.Acknowledged.IsZero():
		return s + ", and acknowledged " + w.Age(r.Intervals.Acknowledge) + " later."
	case n == 1:
		return s + "; one page was sent, and " + r.nobody() + "."
	default:
		return s + "; " + w.Count(n) + " pages were sent, and " + r.nobody() + "."
	}
}

func (r *Report) nobody() string {
	if r.over() {
		return "nobody acknowledged"
	}
	return "nobody has acknowledged yet"
}

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
	notYet := ""
	if r.Cause == watchdog.CauseSilent {
		notYet = "not yet"
	}
	add("Updates again", t.UpdatesAgain, notYet, w.Age(i.Silent)+" after it began")
	again := w.Age(i.Recover) + " after it was detected"
	if i.CatchUp > 0 {
		again += ", " + w.Age(i.CatchUp) + " to catch up"
	}
	add("Normal again", t.NormalAgain, "not yet", again)
	add("Resolved", t.Resolved, "", "")
	return all
}

// lostRow is a row of the ledger as it is shown.
type lostRow struct{ Clients, Lost, Updates, Late, Note string }

// losses are the rows of the ledger; of an incident without one, its own interval.
func (r *Report) losses() (rows []lostRow, more int) {
	_, whom := r.words.Affected(r.inc)
	if len(r.Ledger) == 0 {
		if r.Lost == nil && r.Late == nil {
			return nil, 0
		}
		row := Row{Updates: -1}
		if l := r.Lost; l != nil {
			row.From, row.To, row.ByArrival, row.AtRisk = l.From, l.To, l.ByArrival, l.AtRisk
		}
		if l := r.Late; l != nil {
			row.LateFrom, row.LateTo = l.From, l.To
		}
		return []lostRow{r.lostRow(row, whom)}, 0
	}
	all := shares(r.Ledger)
	for _, s := range all[:min(len(all), sharesShown)] {
		rows = append(rows, r.lostRow(s.Row, r.clientsOf(s, whom)))
	}
	return rows, len(all) - len(rows)
}

func (r *Report) clientsOf(s share, whom string) string {
	const named = 5
	if len(s.clients) == r.Clients.Affected && whom != "" {
		return whom
	}
	names := make([]string, 0, named)
	for _, c := range s.clients[:min(len(s.clients), named)] {
		names = append(names, r.name(c))
	}
	text := strings.Join(names, ", ")
	if more := len(s.clients) - len(names); more > 0 {
		text += " and " + r.words.Count(more) + " more"
	}
	return text
}

func (r *Report) lostRow(row Row, clients string) lostRow {
	out := lostRow{Clients: clients, Lost: "nothing", Updates: "not counted", Late: "nothing"}
	if !row.To.IsZero() {
		out.Lost = r.span(row.From, row.To) + " (" + r.words.Age(row.To.Sub(row.From)) + ")"
	} else {
		out.Updates = "none"
	}
	if text, ok := strings.CutPrefix(about(r.words, row.Updates), ", "); ok {
		out.Updates = text
	}
	if !row.LateTo.IsZero() {
		out.Late = r.span(row.LateFrom, row.LateTo) + " (" + r.words.Age(row.LateTo.Sub(row.LateFrom)) + ")"
	}
	var notes []string
	if row.ByArrival {
		notes = append(notes, "known by arrival only")
	}
	if row.AtRisk {
		notes = append(notes, "at risk: the wider of two answers")
	}
	out.Note = strings.Join(notes, "; ")
	return out
}
