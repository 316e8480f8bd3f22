package notifiers

import (
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// EventLines are one event of the timeline as people read it in the thread: a
// line that begins with the time, and the loss on a line of its own where the
// event settles it.
//
//	00:12 UTC Acknowledged by @on-call until 04:12 UTC. The ladder goes on then if it is still silent.
//
// They read the same whenever they are rendered: ages are those of the event.
// The day is left out where it is that of the opening.
func EventLines(inc *watchdog.Incident, e *watchdog.Event) []Line {
	opened := clock{ref: inc.Opened.Time(), seconds: countsSeconds(inc)}
	lines := EventText(inc, e)
	lines[0] = append(Line{plain(opened.time(e.At.Time()) + " UTC ")}, lines[0]...)
	return lines
}

// EventText is EventLines without the time, for a table that has it in a column
// of its own.
func EventText(inc *watchdog.Incident, e *watchdog.Event) []Line {
	w := words{inc: inc, clock: clock{ref: e.At.Time(), seconds: countsSeconds(inc)}}
	if isDrill(inc) {
		return w.drillEvent(e)
	}
	lines := []Line{w.event(e)}
	if e.Kind == watchdog.EventResolved {
		if l := w.loss(); len(l) > 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

func (w words) event(e *watchdog.Event) Line {
	switch e.Kind {
	case watchdog.EventOpened:
		return w.opened(e)
	case watchdog.EventPaged:
		return w.paged(e)
	case watchdog.EventAcknowledged, watchdog.EventSnoozed, watchdog.EventHandedOver, watchdog.EventResolvedEarly, watchdog.EventLossAccepted:
		return w.decided(e)
	case watchdog.EventHeld:
		return w.heldBy(holdOf(e))
	case watchdog.EventReleased:
		return Line{bold("Nothing holds it back any more"), plain(" ("), name(e.Note), plain(").")}
	case watchdog.EventScope:
		return w.scopeChanged(e)
	case watchdog.EventResumed:
		return w.resumed(e)
	case watchdog.EventCatchUp:
		return w.caughtUp(e)
	case watchdog.EventStaleAgain:
		return w.noted(e, bold(sentence(w.inc.Cause, " again", e.Scope)), plain("."))
	case watchdog.EventWell:
		if neverCame(w.inc) {
			return w.noted(e, plain("Nobody that is still watched is silent. Resolves if it stays so."))
		}
		return w.noted(e, plain(wellAgain(w.inc.Cause)+forWhom(widest(w.inc))+". Resolves if it stays so."))
	case watchdog.EventForgotten:
		return w.noted(e, plain("Unseen for longer than the rule's forget_after: "+plural(e.Was, "client")+" no longer watched, until an update arrives."))
	case watchdog.EventLeft:
		return w.noted(e, plain("Left the roster: "+plural(e.Was, "client")+" no longer watched."))
	case watchdog.EventIgnored:
		return w.noted(e, plain("The rules ignore "+plural(e.Was, "client")+" for a time: no longer watched until then."))
	case watchdog.EventSplit:
		rest := "they go on as an incident of their own."
		if e.Was == 1 {
			rest = "that one goes on as an incident of its own."
		}
		if e.Note == watchdog.NoteBelowQuorum {
			rest = "by their rule's quorum so few page nobody, until data is about to be lost."
		}
		return w.noted(e, plain("All but "+plural(e.Was, "client")+" are current again; "+rest))
	case watchdog.EventLossBegun:
		return w.lossBegun(e)
	case watchdog.EventRule:
		return w.ruleChanged(e)
	case watchdog.EventResolved:
		return w.resolved(e)
	default:
		return w.noted(e, plain(Clean(string(e.Kind), nameRunesMax)+"."))
	}
}

// noted appends what a person or the machine added.
func (w words) noted(e *watchdog.Event, spans ...Span) Line {
	line := Line(spans)
	if e.Note != "" {
		line = append(line, plain(" "), note(e.Note))
	}
	return line
}

func forWhom(s watchdog.Scope) string {
	if w := whom(s); w != "" {
		return " for " + w
	}
	return ""
}

// sentence is "Silent again for 312 of 1,248 clients".
func sentence(c watchdog.Cause, again string, s watchdog.Scope) string {
	return troubleOf(c).word + again + forWhom(s)
}

func (w words) opened(e *watchdog.Event) Line {
	line := Line{bold(sentence(w.inc.Cause, "", e.Scope)), plain(".")}
	switch inc := w.inc; {
	case inc.Cause == watchdog.CauseUnheard:
		line = Line{bold("Cannot page through " + through(inc)), plain(". "), note(inc.Failure)}
	case inc.Cause == watchdog.CauseRefused: // the note is what was found then
	case inc.Cause == watchdog.CauseBlind && inc.Source != "":
		if several(inc) {
			line = append(line, plain(" Sources "), code(inc.Source), plain(" do not answer."))
		} else {
			line = append(line, plain(" Source "), code(inc.Source), plain(" does not answer."))
		}
	case inc.Cause == watchdog.CauseTrickling && trickleSummary(inc) != "":
		line = append(line, plain(" "+few(inc.Trickle.Came)+" in "+Duration(inc.Trickle.Per)+", at least "+Count(inc.Trickle.AtLeast)+" are expected."))
	case inc.Cause == watchdog.CauseSilent && inc.Since.IsZero():
		line = append(line, plain(" No update has been seen yet."))
	case inc.Cause == watchdog.CauseSilent:
		line = append(line, plain(" No update since "+w.day(inc.Since.Time())+" UTC."))
	}
	return w.noted(e, line...)
}

func (w words) paged(e *watchdog.Event) Line {
	page := pageOf(w.inc, e)
	if page == nil {
		return w.noted(e, plain("Paged."))
	}
	who, again := targetNames(page.Targets), ""
	if pagedBefore(w.inc, page) {
		again = " again"
	}
	return w.noted(e, bold("Paged "+who+again), plain(": "+w.why(page)))
}

// Why is the reason of a page as a clause: "nobody acknowledged for 10 min."
func Why(inc *watchdog.Incident, p *watchdog.Page) string {
	return words{inc: inc, clock: clock{ref: p.At.Time(), seconds: countsSeconds(inc)}}.why(p)
}

func (w words) why(p *watchdog.Page) string {
	why := w.reason(p)
	switch {
	case p.Reason == watchdog.ReasonLossBegun || p.Reason == watchdog.ReasonLossNear:
		return why
	case p.About(watchdog.ReasonLossBegun):
		return why + " Data is being lost now."
	case p.About(watchdog.ReasonLossNear):
		return why + " Data loss is near."
	default:
		return why
	}
}

// reason is the first of the page's reasons.
func (w words) reason(p *watchdog.Page) string {
	switch p.Reason {
	case watchdog.ReasonStep:
		return "nobody acknowledged for " + Age(p.At.Time().Sub(askedAt(w.inc, p))) + "."
	case watchdog.ReasonRepeat:
		return "still nobody acknowledged, after " + Age(p.At.Time().Sub(askedAt(w.inc, p))) + "."
	case watchdog.ReasonAckExpired:
		return "the acknowledgement ended, and it " + troubleOf(w.inc.Cause).still + "."
	case watchdog.ReasonSnoozeOver:
		return "the snooze ended, and it " + troubleOf(w.inc.Cause).still + "."
	case watchdog.ReasonNotOver:
		return "a person resolved it, but it " + troubleOf(w.inc.Cause).still + "."
	case watchdog.ReasonHoldEnded:
		return "nothing holds it back any more, and it " + troubleOf(w.inc.Cause).still + "."
	case watchdog.ReasonGrew:
		return "it has grown, to " + whomOr(p.Scope, widestAt(w.inc, p)) + "."
	case watchdog.ReasonLossNear:
		if begins := lossBegins(w.inc); begins.After(p.At.Time()) {
			return "data loss begins " + w.day(begins) + " UTC (in " + Age(begins.Sub(p.At.Time())) + "). " + w.nothingHolds(p)
		}
		return "data loss is near. " + w.nothingHolds(p)
	case watchdog.ReasonLossBegun:
		return "data is being lost now. " + w.nothingHolds(p)
	default:
		if isDrill(w.inc) {
			return "this is a drill."
		}
		if w.inc.Cause == watchdog.CauseUnheard {
			return "a way to wake people does not work."
		}
		if w.inc.Cause == watchdog.CauseRefused {
			return "what the rule files say now is not in force."
		}
		return "it " + troubleOf(w.inc.Cause).is + "."
	}
}

// askedAt is since when, at page p, somebody is waited for to acknowledge: since
// people were first told, which at an opening that nothing delays is then, or were
// told again after an acknowledgement or a hold.
func askedAt(inc *watchdog.Incident, p *watchdog.Page) time.Time {
	asked, stopped := inc.Opened.Time(), false
	for i := range inc.Events {
		switch e := &inc.Events[i]; e.Kind {
		case watchdog.EventAcknowledged, watchdog.EventSnoozed, watchdog.EventHandedOver, watchdog.EventResolvedEarly, watchdog.EventHeld:
			stopped = true
		case watchdog.EventPaged:
			page := pageOf(inc, e)
			switch {
			case e.Page == p.N:
				return asked
			case page == nil || page.Reason == watchdog.ReasonLossNear || page.Reason == watchdog.ReasonLossBegun:
			case stopped || e.Page == 1 && page.At.Sub(inc.Opened) >= time.Second:
				asked, stopped = page.At.Time(), false
			}
		}
	}
	return asked
}

// widestAt is the scope of the event that tells of page p.
func widestAt(inc *watchdog.Incident, p *watchdog.Page) watchdog.Scope {
	for _, e := range inc.Events {
		if e.Kind == watchdog.EventPaged && e.Page == p.N {
			return e.Scope
		}
	}
	return watchdog.Scope{}
}

func whomOr(fallback string, s watchdog.Scope) string {
	if w := whom(s); w != "" {
		return w
	}
	return Clean(fallback, nameRunesMax)
}

func pageOf(inc *watchdog.Incident, e *watchdog.Event) *watchdog.Page {
	for i := range inc.Pages {
		if inc.Pages[i].N == e.Page {
			return &inc.Pages[i]
		}
	}
	return nil
}

// pagedBefore says that every destination of p had a page before.
func pagedBefore(inc *watchdog.Incident, p *watchdog.Page) bool {
	for _, t := range p.Targets {
		if !EarlierPage(inc, p, t.Kind, t.Name) {
			return false
		}
	}
	return len(p.Targets) > 0
}

// EarlierPage says that a page before p went to the destination too.
func EarlierPage(inc *watchdog.Incident, p *watchdog.Page, kind, target string) bool {
	for i := range inc.Pages {
		if inc.Pages[i].N < p.N && PageReaches(&inc.Pages[i], kind, target) {
			return true
		}
	}
	return false
}

// PageReaches says that p goes to the destination.
func PageReaches(p *watchdog.Page, kind, target string) bool {
	for _, t := range p.Targets {
		if t.Kind == kind && t.Name == target {
			return true
		}
	}
	return false
}

func (w words) scopeChanged(e *watchdog.Event) Line {
	line := Line{bold("Now" + orWord(forNow(e.Scope), " another scope"))}
	if e.Was > 0 && e.Was != e.Scope.Silent {
		line = append(line, plain(" (was "+Count(e.Was)+")"))
	}
	return w.noted(e, append(line, plain("."))...)
}

func forNow(s watchdog.Scope) string {
	if w := whom(s); w != "" {
		return " " + w
	}
	return ""
}

func orWord(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (w words) resumed(e *watchdog.Event) Line {
	inc := w.inc
	if inc.Cause == watchdog.CauseBlind {
		return w.noted(e, bold("It can be seen again"), plain(". Not resolved yet."))
	}
	text := "Updates arrive again"
	if inc.Cause == watchdog.CauseTrickling {
		text = "More updates arrive again"
	}
	if ev := inc.Loss.EventAgain; !ev.IsZero() && e.At.Sub(ev) > inc.Allowed {
		text += ", " + Age(e.At.Sub(ev)) + " behind"
	}
	return w.noted(e, bold(text), plain(". Not resolved yet."))
}

// caughtUp tells how the backlog drains, with the event's own range. The speed
// is the incident's of now; an event that is rendered later leaves it out.
func (w words) caughtUp(e *watchdog.Event) Line {
	text := "Catching up"
	if cu := w.inc.CatchUp; cu != nil && cu.Speed > 0 && cu.From == e.From {
		text += ": " + pace(cu.Speed)
	}
	line := Line{plain(text)}
	if !e.From.IsZero() {
		line = append(line, plain(", "), bold("current again "+w.between(e.From.Time(), e.Until.Time())+" UTC"))
	}
	return w.noted(e, append(line, plain(". Not resolved yet."))...)
}

func (w words) lossBegun(e *watchdog.Event) Line {
	line := Line{bold("Data loss has begun"), plain(": updates")}
	if start := w.inc.Loss.Start; !start.IsZero() {
		line = append(line, plain(" from "+w.day(start.Time())+" UTC on"))
	}
	line = append(line, plain(" are being deleted unread"))
	if r := w.inc.Loss.Retention; r > 0 {
		line = append(line, plain("; the queue keeps "+Duration(r)))
	}
	return w.noted(e, append(line, plain("."))...)
}

func (w words) resolved(e *watchdog.Event) Line {
	inc := w.inc
	var line Line
	switch {
	case e.Who != "" && e.Who != ourselves:
		return w.reasoned(e, bold("Resolved"), plain(" by "), name(e.Who), plain("."))
	case inc.Cause == watchdog.CauseUnheard:
		return w.noted(e, bold("Resolved"), plain(": it takes pages again."))
	case inc.Cause == watchdog.CauseRefused:
		return w.noted(e, bold("Resolved"), plain(": the rule files are in force."))
	case inc.Cause == watchdog.CauseBlind:
		line = Line{bold("Resolved"), plain(": it can be seen again.")}
	case neverCame(inc):
		return w.noted(e, bold("Resolved: no longer watched"), plain(". No update came again from "+whom(widest(inc))+"."))
	default:
		line = Line{bold("Resolved: " + strings.ToLower(wellAgain(inc.Cause)) + forWhom(widest(inc))), plain(".")}
	}
	if d := troubleFor(inc); d > 0 && inc.Cause != watchdog.CauseBlind {
		line = append(line, plain(" "+sentence(inc.Cause, "", watchdog.Scope{})+" "+Age(d)+"."))
	}
	return w.noted(e, line...)
}
