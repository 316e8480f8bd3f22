package notifiers

import (
	"unicode/utf8"

	"github.com/feedwatch/feedwatch/watchdog"
)

// subjectCharsMax is what a line of a mail's header carries without a fold, and
// about what a phone shows.
const subjectCharsMax = SummaryPhoneChars

// Subject is the first page's first words, the same for as long as the incident
// lasts: programs that keep messages in threads compare it.
//
//	external-profiles silent: 312/1,248 at 24 Nov 00:05Z
func Subject(inc *watchdog.Incident) string {
	core := " " + troubleOf(inc.Cause).short
	if inc.Cause == watchdog.CauseUnheard {
		core += " through " + through(inc)
	} else if s := firstPaged(inc); clientsIn(s) > 0 {
		core += ": " + Count(s.Silent) + "/" + Count(clientsIn(s))
	}
	opened := inc.Opened.Time()
	core += " at " + clock{ref: opened, seconds: countsSeconds(inc)}.day(opened) + "Z"
	room := max(feedRunesShort, subjectCharsMax-utf8.RuneCountInString(core))
	return Clean(Clean(inc.Feed, room)+core, subjectCharsMax)
}

// firstPaged is the scope when somebody was paged for the first time.
func firstPaged(inc *watchdog.Incident) watchdog.Scope {
	for i := range inc.Events {
		if e := &inc.Events[i]; e.Kind == watchdog.EventPaged {
			return e.Scope
		}
	}
	return watchdog.Scope{}
}
