package report

import (
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
	if r.Cause.OfItself() { // of feedwatch itself: it is about no updates
		said = []string{r.trouble()}
		if !r.Times.Resolved.IsZero() {
			said = append(said, "It was over on "+r.stamp(r.Times.Resolved)+".")
		}
	}
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
	case watchdog.CauseTrickling:
		return "Fewer updates arrived than are expected" + whom + " from " + began + " on" + r.tooFew() + "."
	case watchdog.CauseUnheard:
		return "From " + began + " on a way to tell people did not work; its pages went to others."
	case watchdog.CauseRefused:
		return "From " + began + " on the rule files were refused; the rules before them stayed in force."
	case watchdog.CauseBlind:
		return "From " + began + " on it could not be seen whether updates arrived" + whom + "."
	default:
		if r.inc.Since.IsZero() {
			return "Updates were expected from " + began + " on, and none had ever arrived" + whom + "."
		}
		if last := r.inc.Newest; last.Sub(r.inc.Since) >= unit(r.inc) { // it grew
			return "Updates stopped" + whom + ", for the first on " + began + " and for the last on " + r.stamp(last) + "."
		}
		return "Updates stopped on " + began + whom + "."
	}
}

// tooFew is how many came, of those that the rule asks for.
func (r *Report) tooFew() string {
	t := r.inc.Trickle
	if t == nil || t.Came < 0 {
		return ""
	}
	return ": " + r.words.Count(t.Came) + " in " + r.words.Age(t.Per) + ", where at least " + r.words.Count(t.AtLeast) + " are expected"
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
		if r.Cause == watchdog.CauseTrickling {
			return "Enough came again on " + r.stamp(t.NormalAgain) + ", " + r.words.Age(r.Intervals.Duration) + " later."
		}
		return "They were current again on " + r.stamp(t.NormalAgain) + ", " + r.words.Age(r.Intervals.Duration) + " later."
	case !t.NormalAgain.IsZero():
		return s + ", and were current again on " + r.stamp(t.NormalAgain) + "."
	case neverCame(r.inc):
		return "None came again, and since " + r.stamp(t.Resolved) + " none is waited for any more."
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
	case l == nil && r.Cause == watchdog.CauseTrickling:
		return "Whether more updates were made than arrived is not known here; the queue upstream keeps what nobody has read for " + r.words.Age(r.Retention) + "."
	case l == nil && !r.over() && r.Times.UpdatesAgain.IsZero():
		return "When data loss begins is not known: no update was ever seen."
	case l == nil && neverCame(r.inc):
		return "What was lost is not known: whatever was made after that is deleted unread after " + r.words.Age(r.Retention) + "."
	case l == nil:
		return "No update was lost."
	}
	s := "The queue upstream keeps an update for " + r.words.Age(r.Retention) + ": those made from " + r.span(l.From, l.To) +
		" (" + r.words.Age(l.Length) + ") "
	switch {
	case r.Cause == watchdog.CauseTrickling:
		s += "may be lost, if more were made than arrived"
	case l.Growing:
		s += "are lost, and more are being lost"
	default:
		s += "were lost"
	}
	if n := r.words.About(l.Estimate); n != "" {
		s += ", " + n
	}
	s += "."
	if r.Late != nil && !r.Late.Growing {
		s += " Those made after that, up to " + r.stamp(r.Late.To) + ", came late."
	}
	return s
}

// about is how many updates that was, as exact as an estimate is.
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
