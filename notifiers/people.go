package notifiers

import (
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
)

// What people decided, and why nobody is paged.

// ack is the fact of who stopped the ladder, under its name.
func (w words) ack() (string, Line) {
	a := w.inc.Ack
	if a == nil || w.inc.State != watchdog.StateAcknowledged {
		return "", nil
	}
	at, until := w.time(a.At.Time()), w.time(a.Until.Time())
	switch a.Kind {
	case watchdog.AckSnoozed:
		return "Snoozed", Line{plain("Snoozed by "), name(a.By), plain(" at " + at + " until " + until + " UTC. " + pagesAgain(w.inc.Cause))}
	case watchdog.AckResolved:
		return "Resolved early", Line{
			plain("Resolved by "), name(a.By),
			plain(" at " + at + " UTC, but it " + troubleOf(w.inc.Cause).still + ": pages again at " + until + " UTC" + unless(w.inc.Cause) + "."),
		}
	default:
		return "Acknowledged", Line{plain("Acknowledged by "), name(a.By), plain(" at " + at + " until " + until + " UTC. " + ladderGoesOn(w.inc.Cause))}
	}
}

func ladderGoesOn(c watchdog.Cause) string {
	return "The ladder goes on then if it " + troubleOf(c).still + "."
}

func pagesAgain(c watchdog.Cause) string { return "Pages again then if it " + troubleOf(c).still + "." }

// unless is what keeps a person's word that it is over.
func unless(c watchdog.Cause) string {
	switch c {
	case watchdog.CauseSilent:
		return " unless updates arrive"
	case watchdog.CauseBlind:
		return " unless it can be seen again"
	case watchdog.CauseTrickling:
		return " unless enough updates arrive"
	default:
		return " unless it catches up"
	}
}

// ResolveMeans is what a person's resolve would do to the incident as it is.
func ResolveMeans(inc *watchdog.Incident) string {
	if inc.State == watchdog.StateRecovering {
		return "This closes the incident. If there is trouble again, that is a new one."
	}
	return "It " + troubleOf(inc.Cause).still + ": your word holds for 30 minutes, then it pages again" + unless(inc.Cause) + "."
}

// decided is the event of a person's word.
func (w words) decided(e *watchdog.Event) Line {
	until := "."
	if !e.Until.IsZero() {
		until = " until " + w.time(e.Until.Time()) + " UTC."
	}
	c := w.inc.Cause
	switch e.Kind {
	case watchdog.EventSnoozed:
		return w.reasoned(e, bold("Snoozed"), plain(" by "), name(e.Who), plain(until+" "+pagesAgain(c)))
	case watchdog.EventHandedOver:
		return Line{bold("Handed over"), plain(" by "), name(e.Who), plain(" to "), name(e.Note), plain("," + until)}
	case watchdog.EventResolvedEarly:
		again := ""
		if !e.Until.IsZero() {
			again = ": pages again at " + w.time(e.Until.Time()) + " UTC" + unless(c)
		}
		return w.reasoned(e, bold("Resolved"), plain(" by "), name(e.Who), plain(", but it "+troubleOf(c).still+again+"."))
	case watchdog.EventLossAccepted:
		return acceptance(e.Who, "", e.Note)
	default:
		line := Line{bold("Acknowledged"), plain(" by "), name(e.Who), plain(until)}
		if !e.Until.IsZero() {
			line = append(line, plain(" "+ladderGoesOn(c)))
		}
		return w.noted(e, line...)
	}
}

// reasoned appends why a person did it.
func (w words) reasoned(e *watchdog.Event, spans ...Span) Line {
	line := Line(spans)
	if e.Note != "" {
		line = append(line, plain(" Reason: "))
		line = append(line, said(e.Note)...)
	}
	return line
}

// said is what a person wrote, as the end of a sentence.
func said(text string) Line {
	words := note(strings.TrimRight(text, " \t\r\n."))
	if strings.HasSuffix(words.Text, "!") || strings.HasSuffix(words.Text, "?") {
		return Line{words}
	}
	return Line{words, plain(".")}
}

// accepted is a person's decision that the loss may happen.
func (w words) accepted() Line {
	a := w.inc.Loss.Accepted
	if a == nil || w.inc.State == watchdog.StateResolved {
		return nil
	}
	return acceptance(a.By, " since "+w.time(a.At.Time())+" UTC", a.Reason)
}

func acceptance(who, since, reason string) Line {
	line := Line{name(who), plain(" accepts the loss" + since + ": ")}
	line = append(line, said(reason)...)
	return append(line, plain(" No page because of the loss any more."))
}

// held is the fact of why nobody is paged.
func (w words) held() Line {
	if w.inc.Hold == nil || w.inc.State == watchdog.StateResolved {
		return nil
	}
	return w.heldBy(*w.inc.Hold)
}

// holdOf is the hold that an event tells of. A silence has an author, and only a
// feed that another depends on holds it without an end.
func holdOf(e *watchdog.Event) watchdog.Hold {
	hold := watchdog.Hold{Kind: watchdog.HoldMaintenance, Name: e.Note, By: e.Who, Since: e.At, Until: e.Until}
	switch {
	case e.Who != "":
		hold.Kind = watchdog.HoldSilence
	case e.Until.IsZero():
		hold.Kind = watchdog.HoldParent
	}
	return hold
}

func (w words) heldBy(h watchdog.Hold) Line {
	until := w.time(h.Until.Time()) + " UTC"
	switch {
	case h.Kind == watchdog.HoldSilence:
		line := Line{bold("Silenced"), plain(" by "), name(h.By), plain(" until " + until + ": ")}
		return append(append(line, said(h.Name)...), plain(" Nobody is paged until then"+w.butForLoss()))
	case h.Kind == watchdog.HoldMaintenance:
		return Line{bold("In maintenance"), plain(": "), name(h.Name), plain(". Nobody is paged until " + until + ", its end and the time to arrive first" + w.butForLoss())}
	case h.Until.IsZero():
		return Line{bold("Held"), plain(": "), name(h.Name), plain(", which it depends on, is in trouble too. Nobody is paged for this meanwhile" + w.butForLoss())}
	default:
		return Line{bold("Held"), plain(": "), name(h.Name), plain(", which it depends on, has come back. Nobody is paged until " + until + ", the time to arrive first" + w.butForLoss())}
	}
}

// butForLoss ends a sentence about what is held back.
func (w words) butForLoss() string {
	if w.inc.Loss.Retention <= 0 || w.inc.Loss.Accepted != nil {
		return "."
	}
	return ", but for data loss."
}

// holdEnds is when a page that is held back goes out, as the end of a sentence.
func (w words) holdEnds() string {
	if h := w.inc.Hold; h != nil && h.Kind == watchdog.HoldSilence {
		return ", when the silence ends."
	}
	return unless(w.inc.Cause) + "."
}

// whateverHolds is what a page about data loss does not wait for.
func (w words) whateverHolds() string {
	if w.inc.Hold != nil {
		return "held back or not"
	}
	return "acknowledged or not"
}

// nothingHolds says so of a page about data loss, as things were then.
func (w words) nothingHolds(p *watchdog.Page) string {
	held := false
	for i := range w.inc.Events {
		switch e := &w.inc.Events[i]; {
		case e.Kind == watchdog.EventPaged && e.Page == p.N:
			if held {
				return "No silence or maintenance holds it back."
			}
			return "No acknowledgement holds it back."
		case e.Kind == watchdog.EventHeld:
			held = true
		case e.Kind == watchdog.EventReleased:
			held = false
		}
	}
	return "No acknowledgement holds it back."
}
