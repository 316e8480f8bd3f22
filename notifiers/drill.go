package notifiers

import (
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// A drill's first word says that it is one, wherever it is read and however short:
// nobody shall run to a fire that is none. Then comes what is asked of the reader.
const drillWord = "DRILL"

func isDrill(inc *watchdog.Incident) bool { return inc.Drill != nil }

// asks says that a drill still waits for a person.
func asks(inc *watchdog.Incident) bool {
	return inc.Drill.Human && inc.Ack == nil && inc.State != watchdog.StateResolved
}

func drillHeadline(inc *watchdog.Incident) string {
	d := inc.Drill
	switch {
	case asks(inc):
		return drillWord + ", nothing is wrong: press Acknowledge by " + d.Until.Time().Format("15:04") + " UTC"
	case d.CutShort != "":
		return drillWord + " over, cut short; nothing is wrong with any feed"
	case d.Failed != "":
		return drillWord + " over, it failed: " + d.Failed
	case d.Over && !d.Passed():
		return drillWord + " over, it failed at " + Count(drillsFailed(d)) + " of " + plural(len(d.Notifiers), "notifier")
	case d.Over:
		return drillWord + " over, it went well; nothing is wrong"
	case inc.Ack != nil:
		return drillWord + ", nothing is wrong: acknowledged by " + Clean(inc.Ack.By, nameRunesMax)
	default:
		return drillWord + ", nothing is wrong: nobody has to do anything"
	}
}

func drillsFailed(d *watchdog.Drill) (n int) {
	for i := range d.Notifiers {
		if d.Notifiers[i].State == watchdog.DrillFailed {
			n++
		}
	}
	return n
}

// drillSummary is a drill in one line; a phone shows the whole demand.
func drillSummary(inc *watchdog.Incident) string {
	said := drillHeadline(inc)
	if asks(inc) {
		said = drillWord + ", nothing is wrong: acknowledge this by " + inc.Drill.Until.Time().Format("15:04") + "Z"
	}
	return Clean(said+"; tries "+ofEscalations(inc.Drill), SummaryCharsMax)
}

const escalationsShown = 4

// ofEscalations is "the escalation cdp-on-call".
func ofEscalations(d *watchdog.Drill) string {
	names := d.Escalations
	if len(names) == 1 {
		return "the escalation " + Clean(names[0], nameRunesMax)
	}
	more := ""
	if n := len(names) - escalationsShown; n > 0 {
		names, more = names[:escalationsShown], " and "+Count(n)+" more"
	}
	return "the escalations " + Clean(strings.Join(names, ", "), nameRunesMax*escalationsShown) + more
}

// drillFacts are what it is, what is asked of whom, and what came of it.
func (w words) drillFacts() []Fact {
	inc, d := w.inc, w.inc.Drill
	what := Line{plain("It tries whether pages of " + ofEscalations(d) + " get through. Begun by "), name(d.By), plain(".")}
	switch {
	case asks(inc):
		what = append(what, plain(" Somebody is to press Acknowledge until "), bold(w.time(d.Until.Time())+" UTC"),
			plain(", to show that pages are heard. Then it is over by itself."))
	case !d.Over:
		what = append(what, plain(" It is over by itself within minutes."))
	}
	facts := []Fact{{drillFact, what}}
	if a := inc.Ack; a != nil {
		facts = append(facts, Fact{"Acknowledged", Line{plain("Acknowledged by "), name(a.By), plain(" at " + w.time(a.At.Time()) + " UTC.")}})
	}
	if !d.Over {
		return facts
	}
	return append(facts, w.drillResults()...)
}

const drillFact = "Drill"

// drillResults are what came of a drill that is over.
func (w words) drillResults() []Fact {
	d := w.inc.Drill
	if d.CutShort != "" {
		return []Fact{{"Result", Line{plain("What came of it is not known: "), note(d.CutShort), plain(".")}}}
	}
	var facts []Fact
	for i := range d.Notifiers {
		r := &d.Notifiers[i]
		who := TargetName(r.Notifier.Kind, r.Notifier.Name)
		line := Line{plain(who + ": "), note(DrillResult(w.inc, r)), plain(".")}
		if r.Mend != "" {
			line = append(line, plain(" To do: "), note(r.Mend), plain("."))
		}
		facts = append(facts, Fact{who, line})
	}
	if d.Failed != "" {
		facts = append(facts, Fact{"Answer", Line{plain("Answer: "), bold(d.Failed), plain(".")}})
	}
	return facts
}

// DrillResult is how far a drill's message came at one notifier, in words.
func DrillResult(inc *watchdog.Incident, r *watchdog.DrillResult) string {
	after := "after " + Age(max(r.At.Sub(inc.Opened), time.Second))
	switch r.State {
	case watchdog.DrillSeen:
		return "seen back " + after
	case watchdog.DrillUnseen:
		text := "accepted " + after + ", cannot be seen back"
		if r.Why != "" {
			text += ": " + r.Why
		}
		return text
	case watchdog.DrillFailed:
		return "failed " + after + ": " + r.Why
	case watchdog.DrillAccepted:
		return "accepted, not seen back yet"
	default:
		return "not accepted yet"
	}
}

// drillEvent is one event of its timeline.
func (w words) drillEvent(e *watchdog.Event) []Line {
	d := w.inc.Drill
	mark := bold(drillWord + ":")
	switch e.Kind {
	case watchdog.EventOpened:
		return []Line{{mark, plain(" nothing is wrong. Begun by "), name(d.By), plain(", to try " + ofEscalations(d) + ".")}}
	case watchdog.EventPaged:
		line := Line{mark, plain(" told " + targetNames(w.inc.Pages[0].Targets) + ".")}
		if d.Human {
			line = append(line, plain(" Somebody is to acknowledge until "+w.time(d.Until.Time())+" UTC."))
		}
		return []Line{line}
	case watchdog.EventAcknowledged:
		return []Line{{mark, plain(" "), bold("acknowledged"), plain(" by "), name(e.Who), plain(".")}}
	default:
		lines := []Line{{mark, plain(" " + strings.TrimPrefix(drillHeadline(w.inc), drillWord+" ") + ".")}}
		if d.Over {
			for _, f := range w.drillResults() {
				lines = append(lines, f.Text)
			}
		}
		return lines
	}
}
