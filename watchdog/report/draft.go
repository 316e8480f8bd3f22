package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// sawLate is how long after a deadline a silence may be seen before that is a
// finding of its own.
const sawLate = time.Minute

// draft lists the measures that what was recorded asks for. People strike out,
// add, name owners and days.
func draft(r *Report) []Measure {
	inc, w := r.inc, r.words
	owner := inc.Owner
	_, whom := w.Affected(inc)
	if whom == "" {
		whom = "the clients"
	}
	all := []Measure{}
	add := func(what string) { all = append(all, Measure{What: what, Owner: owner, Status: StatusOpen}) }

	add("Name the root cause, and remove it.")
	if l := r.Lost; l != nil {
		were := "were lost"
		if r.Cause == watchdog.CauseTrickling {
			were = "may be lost"
		}
		add("Tell " + whom + " which updates " + were + " (those made from " + r.span(l.From, l.To) + "), and send them again where their origin still has them.")
		if r.Retention > 0 {
			add("Review how long the queue keeps an update that nobody has read: it was " + w.Age(r.Retention) + ", and " + w.Age(cmp.Or(r.Intervals.Silent, r.Intervals.Duration)) + " were needed.")
		}
	}
	r.draftAlerts(add)
	switch {
	case inc.Cause == watchdog.CauseBlind:
		add("Find why feedwatch could not see" + ofSource(r.name(inc.Source)) + ", and give it a second way to see the feed.")
	case inc.Seen.Sub(inc.Opened) > sawLate:
		add("Find why feedwatch saw this " + w.Age(inc.Seen.Sub(inc.Opened)) + " after it could have, and run it where it does not fail together with the feeder.")
	}
	if inc.Loss.ByArrival && inc.Cause != watchdog.CauseBlind {
		add("Send the time at which each update was made (event_time) with the heartbeats: what is lost is then known to the update.")
	}
	if r.Retention == 0 {
		add("Write into the rules how long the queue keeps an update (retention), so that the time to data loss is known.")
	}
	if inc.Runbook == "" {
		add("Write a runbook for this feed, and name it in the rules.")
	}
	return all
}

// draftAlerts asks whether people were reached.
func (r *Report) draftAlerts(add func(string)) {
	w, t := r.words, r.Times
	ladder := "the escalation"
	if r.inc.Escalation != "" {
		ladder += " " + r.name(r.inc.Escalation)
	}
	pages := "the page was"
	if n := len(r.inc.Pages); n != 1 {
		pages = w.Count(n) + " pages were"
	}
	held := slices.ContainsFunc(r.inc.Events, func(e watchdog.Event) bool { return e.Kind == watchdog.EventHeld })
	switch {
	case t.FirstPage.IsZero() && held:
		add("Nobody was paged, since it was held back: review whether it should have been.")
	case t.FirstPage.IsZero():
		add("Nobody was paged: review " + ladder + ".")
	case t.Acknowledged.IsZero():
		add("Review all alerts and " + ladder + ": " + pages + " sent, and nobody acknowledged. Practise it.")
	case !t.LossBegan.IsZero() && t.Acknowledged > t.LossBegan:
		add("Review all alerts and " + ladder + ": nobody acknowledged before data was lost. Practise it.")
	case !t.LossBegan.IsZero():
		add("Review how alerts are handled: it was acknowledged after " + w.Age(r.Intervals.Acknowledge) + ", and data was lost all the same, from " + r.stamp(t.LossBegan) + " on.")
	case r.Intervals.Acknowledge > acknowledgeSlow:
		add("Review " + ladder + ": it took " + w.Age(r.Intervals.Acknowledge) + " until somebody acknowledged.")
	}
}

// acknowledgeSlow is from when a time to acknowledge is a finding.
const acknowledgeSlow = 30 * time.Minute

func ofSource(name string) string {
	if name == "" {
		return ""
	}
	return " source " + name
}
