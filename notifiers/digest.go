package notifiers

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// Urgent orders incidents as a person should look at them: those in trouble before
// those that recover or are over, those that nobody is on first; the severe before
// the mild; what is lost first before what is lost later or never.
func Urgent(incidents []*watchdog.Incident) []*watchdog.Incident {
	return slices.SortedStableFunc(slices.Values(incidents), func(a, b *watchdog.Incident) int {
		return cmp.Or(
			cmp.Compare(stage(a), stage(b)),
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(lossAt(a), lossAt(b)),
			cmp.Compare(a.Opened, b.Opened),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

// stage is how far an incident has come: nobody is on it, somebody is, it recovers,
// it is over.
func stage(inc *watchdog.Incident) int {
	switch {
	case inc.State == watchdog.StateResolved:
		return 3
	case inc.State == watchdog.StateRecovering:
		return 2
	case inc.State == watchdog.StateAcknowledged || inc.Hold != nil:
		return 1
	default:
		return 0
	}
}

// never is later than every loss.
const never = int64(1) << 62

func lossAt(inc *watchdog.Incident) int64 {
	if inc.Loss.Begins.IsZero() || inc.Loss.Accepted != nil {
		return never
	}
	return int64(inc.Loss.Begins)
}

// DigestHeadline is what is wrong with several incidents at once: "12 feeds are
// silent: cluster fsn1", "12 feeds: 3 silent, 2 coming back, 7 resolved".
func DigestHeadline(incidents []*watchdog.Incident) string {
	var in, back, over []*watchdog.Incident
	for _, inc := range incidents {
		switch stage(inc) {
		case 3:
			over = append(over, inc)
		case 2:
			back = append(back, inc)
		default:
			in = append(in, inc)
		}
	}
	feeds := feedsOf(incidents)
	if len(over) == len(incidents) {
		return "Resolved: " + feeds + many(over) + sameWhere(over)
	}
	if len(in) == len(incidents) {
		if _, one := causes(in); one != nil {
			return feeds + " " + one.verb(len(distinct(in))) + many(in) + sameWhere(in)
		}
	}
	var parts []string
	if len(in) > 0 {
		words, _ := causes(in)
		parts = append(parts, words...)
	}
	for _, p := range []struct {
		n    int
		word string
	}{{len(back), "coming back"}, {len(over), "resolved"}} {
		if p.n > 0 {
			parts = append(parts, Count(p.n)+" "+p.word)
		}
	}
	return feeds + ": " + strings.Join(parts, ", ")
}

// verb is the trouble of so many feeds.
func (t *trouble) verb(feeds int) string {
	if feeds == 1 {
		return t.is
	}
	return t.are
}

// causes are "9 silent", "3 unseen", the most first; one where there is only one.
func causes(incidents []*watchdog.Incident) (words []string, one *trouble) {
	counts := map[watchdog.Cause]int{}
	for _, inc := range incidents {
		counts[inc.Cause]++
	}
	all := make([]watchdog.Cause, 0, len(counts))
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b watchdog.Cause) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for _, c := range all {
		words = append(words, Count(counts[c])+" "+troubleOf(c).short)
	}
	if len(all) == 1 {
		t := troubleOf(all[0])
		one = &t
	}
	return words, one
}

func distinct(incidents []*watchdog.Incident) map[string]bool {
	names := map[string]bool{}
	for _, inc := range incidents {
		names[inc.Feed] = true
	}
	return names
}

// feedsOf is "12 feeds", or the name of the only one.
func feedsOf(incidents []*watchdog.Incident) string {
	if n := len(distinct(incidents)); n != 1 {
		return Count(n) + " feeds"
	}
	return Clean(incidents[0].Feed, nameRunesMax)
}

// many is how many incidents there are, where that is not one a feed.
func many(incidents []*watchdog.Incident) string {
	if len(distinct(incidents)) == len(incidents) {
		return ""
	}
	return " (" + plural(len(incidents), "incident") + ")"
}

// sameWhere is ": cluster fsn1" where the labels are the same for all.
func sameWhere(incidents []*watchdog.Incident) string {
	first := widest(incidents[0])
	for _, inc := range incidents {
		if s := widest(inc); s.Whole() || s.String() != first.String() {
			return ""
		}
	}
	return ": " + where(first)
}

// DigestHead is what a person needs before the incidents one by one: the clock that
// matters, why they are told at once, and who is told next.
func DigestHead(incidents []*watchdog.Incident, now time.Time) []Line {
	var lines []Line
	if l := firstLoss(incidents, now); l != nil {
		lines = append(lines, l)
	}
	over := !slices.ContainsFunc(incidents, func(inc *watchdog.Incident) bool { return stage(inc) < 3 })
	apart := slices.ContainsFunc(incidents, func(inc *watchdog.Incident) bool { return len(inc.Linked) == 0 && stage(inc) < 2 })
	switch {
	case over:
	case apart:
		lines = append(lines, Line{plain("Told in one message: they came at about the same time.")})
	default:
		lines = append(lines, Line{plain("Told in one message: they have the same cause.")})
	}
	if l := firstNext(incidents, now); l != nil {
		lines = append(lines, l)
	}
	return lines
}

// firstLoss is the loss that begins first, or is the longest under way.
func firstLoss(incidents []*watchdog.Incident, now time.Time) Line {
	var first *watchdog.Incident
	losing := 0
	for _, inc := range incidents {
		if stage(inc) > 1 || lossAt(inc) == never {
			continue
		}
		if inc.Loss.Begins.Time().Before(now) {
			losing++
		}
		if first == nil || inc.Loss.Begins < first.Loss.Begins {
			first = inc
		}
	}
	if first == nil {
		return nil
	}
	c, begins := clock{ref: now, seconds: countsSeconds(first)}, first.Loss.Begins.Time()
	who := Span{Text: Clean(first.Feed, nameRunesMax), Style: Name}
	if !begins.Before(now) {
		return Line{bold("Data loss begins " + c.day(begins) + " UTC"), plain(" (in " + Age(begins.Sub(now)) + "), first for "), who, plain(".")}
	}
	line := Line{bold("Data has been lost since " + c.day(begins) + " UTC"), plain(" (" + Age(now.Sub(begins)) + ") for "), who}
	if losing > 1 {
		line = append(line, plain(" and "+Count(losing-1)+" more"))
	}
	return append(line, plain("."))
}

// firstNext is who is told next of any of them.
func firstNext(incidents []*watchdog.Incident, now time.Time) Line {
	var first *watchdog.Incident
	for _, inc := range incidents {
		if inc.Next != nil && inc.State != watchdog.StateResolved && (first == nil || inc.Next.At < first.Next.At) {
			first = inc
		}
	}
	if first == nil {
		return nil
	}
	w := words{inc: first, clock: clock{ref: now, seconds: countsSeconds(first)}}
	return append(Line{plain(factNext + ", for "), {Text: Clean(first.Feed, nameRunesMax), Style: Name}, plain(": ")}, w.next()...)
}

// DigestLine is one incident among others: what is wrong and for whom, since when,
// the clock that matters, and who is on it.
func DigestLine(inc *watchdog.Incident, now time.Time) Line {
	c := clock{ref: now, seconds: countsSeconds(inc)}
	line := Line{bold(Headline(inc))}
	if stage(inc) > 1 {
		if !inc.Loss.LostFrom.IsZero() {
			line = append(line, plain("; lost: updates from "+c.span(inc.Loss.LostFrom.Time(), inc.Loss.LostTo.Time(), "to")+" UTC"))
		}
		return append(line, plain("."))
	}
	since := inc.Since
	if inc.Cause != watchdog.CauseSilent && inc.Cause != watchdog.CauseBlind {
		since = inc.Opened
	}
	if since.IsZero() {
		line = append(line, plain(", never seen"))
	} else {
		line = append(line, plain(" since "+c.day(since.Time())+" UTC ("+Age(now.Sub(since.Time()))+")"))
	}
	switch begins := inc.Loss.Begins.Time(); {
	case lossAt(inc) == never:
	case begins.Before(now):
		line = append(line, plain("; "), bold("losing data since "+c.day(begins)+" UTC"))
	default:
		line = append(line, plain("; loss begins "+c.day(begins)+" UTC (in "+Age(begins.Sub(now))+")"))
	}
	switch {
	case inc.Ack != nil && inc.Ack.Kind == watchdog.AckSnoozed:
		line = append(line, plain("; snoozed by "), name(inc.Ack.By))
	case inc.Ack != nil && inc.Ack.Kind == watchdog.AckTaken:
		line = append(line, plain("; acknowledged by "), name(inc.Ack.By))
	case inc.Hold != nil:
		line = append(line, plain("; no page for now"))
	}
	return append(line, plain("."))
}

// Among leads what is told of an incident where others are told as well: the feed,
// and the labels of its scope.
func Among(inc *watchdog.Incident) Line {
	line := Line{{Text: Clean(inc.Feed, nameRunesMax), Style: Bold}}
	if s := widest(inc); !s.Whole() {
		line = append(line, plain(", "+where(s)))
	}
	return append(line, plain(": "))
}
