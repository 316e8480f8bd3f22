package notifiers

import "github.com/feedwatch/feedwatch/watchdog"

// refusedHeadline says which rules feedwatch goes by while it refuses the files.
func refusedHeadline(inc *watchdog.Incident) string {
	if inc.State == watchdog.StateResolved {
		return "Resolved: " + inc.Feed + " takes the rule files again, after " + Age(troubleFor(inc))
	}
	said := inc.Feed + " refuses the rule files"
	if inc.Since.IsZero() {
		return said
	}
	return said + ": the rules of " + clock{ref: inc.Opened.Time()}.day(inc.Since.Time()) + " UTC stay in force"
}

// refusedSummary is the same in one line with what is wrong with them.
func refusedSummary(inc *watchdog.Incident) string {
	said := refusedHeadline(inc)
	if inc.State != watchdog.StateResolved {
		said += "; " + inc.Failure
	}
	return Clean(said, SummaryCharsMax)
}

// refused is since when, what goes on paging, and what is wrong with the files.
func (w words) refused() Line {
	line := append(Line{plain("Refused since ")}, w.ago(w.inc.Opened.Time())...)
	line = append(line, plain("; the set "), code(w.inc.Anchor), plain(" goes on paging. "), note(w.inc.Failure))
	return append(line, plain(". Run "), code("feedwatch rules check"), plain(" to see all that is wrong."))
}
