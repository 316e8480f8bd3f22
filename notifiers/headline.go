package notifiers

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/feedwatch/feedwatch/watchdog"
)

// trouble is how a cause is said.
type trouble struct {
	is, was, still string // of the feed
	are            string // of clients
	word           string // at the head of a sentence
	short          string // in a summary
}

func troubleOf(c watchdog.Cause) trouble {
	switch c {
	case watchdog.CauseFrozen:
		return trouble{"is frozen", "was frozen", "is still frozen", "are frozen", "Frozen", "frozen"}
	case watchdog.CauseBehind:
		return trouble{"is falling behind", "was behind", "is still behind", "are falling behind", "Falling behind", "behind"}
	case watchdog.CauseTrickling:
		return trouble{"is trickling", "was trickling", "is still trickling", "are trickling", "Trickling", "trickling"}
	case watchdog.CauseBlind:
		return trouble{"cannot be seen", "could not be seen", "still cannot be seen", "cannot be seen", "Out of sight", "unseen"}
	case watchdog.CauseUnheard:
		return trouble{"cannot page", "could not page", "still cannot page", "cannot be paged", "Cannot page", "cannot page"}
	case watchdog.CauseRefused:
		return trouble{"refuses the rule files", "refused the rule files", "still refuses the rule files", "refuse the rule files", "Rule files refused", "refuses the rule files"}
	default:
		return trouble{"is silent", "was silent", "is still silent", "are silent", "Silent", "silent"}
	}
}

// Headline says in one line what is wrong and for whom, as the incident is now:
// "external-profiles is silent for 312 of 1,248 clients: cluster fsn1".
func Headline(inc *watchdog.Incident) string {
	if isDrill(inc) {
		return drillHeadline(inc)
	}
	feed := Clean(inc.Feed, feedRunesMax)
	t := troubleOf(inc.Cause)
	forWhom := ""
	if w := whom(widest(inc)); w != "" {
		forWhom = " for " + w
	}
	switch {
	case inc.Cause == watchdog.CauseUnheard && inc.State == watchdog.StateResolved:
		return "Resolved: " + feed + " can page through " + through(inc) + " again, after " + Age(troubleFor(inc))
	case inc.Cause == watchdog.CauseUnheard:
		return feed + " cannot page through " + through(inc)
	case inc.Cause == watchdog.CauseRefused:
		return refusedHeadline(inc)
	case inc.State == watchdog.StateResolved && inc.Cause == watchdog.CauseBlind:
		return "Resolved: " + feed + " can be seen again" + forWhom + ", after " + Age(troubleFor(inc))
	case inc.State == watchdog.StateResolved && neverCame(inc):
		return "Resolved: " + feed + " " + t.was + forWhom + ", no longer watched"
	case inc.State == watchdog.StateResolved:
		return "Resolved: " + feed + " " + t.was + " " + Age(troubleFor(inc)) + forWhom
	case inc.State == watchdog.StateRecovering && inc.Cause == watchdog.CauseBlind:
		return feed + " can be seen again"
	case inc.State == watchdog.StateRecovering && neverCame(inc):
		return feed + " " + t.was + forWhom + ", no longer watched"
	case inc.State == watchdog.StateRecovering && !inc.WellSince.IsZero():
		return feed + " " + currentAgain(inc.Cause) + forWhom
	case inc.State == watchdog.StateRecovering && inc.CatchUp != nil:
		return feed + " is catching up" + forWhom
	case inc.State == watchdog.StateRecovering:
		return feed + " is coming back" + forWhom
	case inc.Cause == watchdog.CauseBlind && inc.Source != "":
		return "Cannot see " + feed + ": " + unanswering(inc)
	case inc.Cause == watchdog.CauseBlind:
		return "Cannot see " + feed
	default:
		return feed + " " + t.is + forWhom
	}
}

// through is the notifier that an incident is about, "PagerDuty cdp", or the
// escalation on which nobody answered a drill.
func through(inc *watchdog.Incident) string {
	kind, name, _ := strings.Cut(inc.Source, "/")
	if kind == "escalation" {
		kind = "the escalation"
	}
	return TargetName(kind, name)
}

const feedRunesMax = 100

// unanswering is "source prom-eu does not answer", or the same of several.
func unanswering(inc *watchdog.Incident) string {
	names := Clean(inc.Source, nameRunesMax)
	if several(inc) {
		return "sources " + names + " do not answer"
	}
	return "source " + names + " does not answer"
}

// several says that more than one source does not answer: no name has a comma.
func several(inc *watchdog.Incident) bool { return strings.Contains(inc.Source, ", ") }

// neverCame says that an incident ends because its clients are no longer
// watched: no update of theirs came again.
func neverCame(inc *watchdog.Incident) bool {
	forgot := func(e watchdog.Event) bool {
		return e.Kind == watchdog.EventForgotten || e.Kind == watchdog.EventLeft || e.Kind == watchdog.EventIgnored
	}
	return inc.Cause == watchdog.CauseSilent && inc.Loss.FirstAgain.IsZero() && slices.ContainsFunc(inc.Events, forgot)
}

// troubleFor is how long a trouble that is over lasted: for silence from the
// last update before it to the first after it.
func troubleFor(inc *watchdog.Incident) time.Duration {
	from, to := inc.Opened, inc.Resolved
	if !inc.WellSince.IsZero() {
		to = inc.WellSince
	}
	if inc.Cause == watchdog.CauseSilent {
		if !inc.Since.IsZero() {
			from = inc.Since
		}
		if !inc.Loss.FirstAgain.IsZero() {
			to = max(inc.Loss.FirstAgain, inc.Calm)
		}
	}
	return max(0, to.Sub(from))
}

// SummaryCharsMax is PagerDuty's limit; SummaryPhoneChars is what a phone shows
// of it.
const (
	SummaryCharsMax   = 1024
	SummaryPhoneChars = 80
)

// Summary is the incident in one line for PagerDuty: the first
// SummaryPhoneChars carry the page, a long feed name is cut to leave room for
// them. page may be nil.
//
//	external-profiles silent: 1,248/1,248 since 24 Nov 00:00Z; loss 1 Dec 00:00Z
func Summary(inc *watchdog.Incident, page *watchdog.Page, now time.Time) string {
	if isDrill(inc) {
		return drillSummary(inc)
	}
	s := widest(inc)
	c := clock{ref: now, seconds: countsSeconds(inc)}
	if inc.Cause == watchdog.CauseUnheard {
		return Clean(inc.Feed+" cannot page through "+through(inc)+" since "+c.day(inc.Opened.Time())+"Z; "+inc.Failure, SummaryCharsMax)
	}
	if inc.Cause == watchdog.CauseRefused {
		return refusedSummary(inc)
	}
	core := " " + troubleOf(inc.Cause).short
	if clientsIn(s) > 0 {
		core += ": " + Count(s.Silent) + "/" + Count(clientsIn(s))
	}
	switch {
	case inc.Cause == watchdog.CauseTrickling: // what came last is no beginning
		core += " since " + c.day(inc.Opened.Time()) + "Z"
	case inc.Since.IsZero():
		core += ", never seen"
	default:
		core += " since " + c.day(inc.Since.Time()) + "Z"
	}
	core += summaryLoss(inc, c)
	room := max(feedRunesShort, SummaryPhoneChars-utf8.RuneCountInString(core))
	rest := summaryRest(inc, s, page)
	return Clean(Clean(inc.Feed, room)+core+rest, SummaryCharsMax)
}

// feedRunesShort is what is left of a feed's name at least.
const feedRunesShort = 16

func summaryLoss(inc *watchdog.Incident, c clock) string {
	begins := inc.Loss.Begins
	switch {
	case begins.IsZero():
		return ""
	case begins.Time().After(c.ref):
		return "; loss " + c.day(begins.Time()) + "Z"
	case c.ref.Sub(begins.Time()) < 24*time.Hour:
		return "; losing since " + c.time(begins.Time()) + "Z"
	default:
		return "; losing since " + begins.Time().Format("2 Jan")
	}
}

func summaryRest(inc *watchdog.Incident, s watchdog.Scope, page *watchdog.Page) string {
	var rest []string
	if page != nil {
		if why := shortReason(page.Reason); why != "" {
			rest = append(rest, why)
		}
	}
	if came := trickleSummary(inc); came != "" {
		rest = append(rest, came)
	}
	switch {
	case inc.Cause == watchdog.CauseBlind && inc.Source != "":
		rest = append(rest, unanswering(inc)+"; may be fine or silent")
	case !s.Whole():
		where := nameWithin(s.String(), combinationRunesMax).Text + " " + Count(s.Silent) + "/" + Count(s.Of)
		if s.ElsewhereOf > 0 {
			where += ", elsewhere " + Count(s.ElsewhereSilent) + "/" + Count(s.ElsewhereOf)
		}
		rest = append(rest, where)
	case s.Silent == 1 && len(s.Oldest) > 0:
		rest = append(rest, "client "+name(s.Oldest[0].Client).Text)
	}
	if inc.Rule != "" {
		rest = append(rest, "rule "+Clean(inc.Rule, nameRunesMax))
	}
	if len(rest) == 0 {
		return ""
	}
	return "; " + strings.Join(rest, "; ")
}

func shortReason(r watchdog.Reason) string {
	switch r {
	case watchdog.ReasonStep:
		return "nobody acknowledged"
	case watchdog.ReasonRepeat:
		return "still nobody acknowledged"
	case watchdog.ReasonAckExpired:
		return "acknowledgement ended"
	case watchdog.ReasonSnoozeOver:
		return "snooze ended"
	case watchdog.ReasonNotOver:
		return "resolved by hand, but not over"
	case watchdog.ReasonHoldEnded:
		return "no longer held back"
	case watchdog.ReasonGrew:
		return "has grown"
	case watchdog.ReasonLossNear:
		return "loss is near"
	case watchdog.ReasonLossBegun:
		return "loss has begun"
	default:
		return ""
	}
}

// countsSeconds says that minutes are too coarse for the incident's rule.
func countsSeconds(inc *watchdog.Incident) bool { return inc.Allowed > 0 && inc.Allowed < time.Minute }
