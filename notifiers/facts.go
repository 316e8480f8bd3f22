package notifiers

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// Fact is one thing to know of an incident: a short name for tables, and the
// text beside it.
type Fact struct {
	Name string
	Text Line
}

// Line is the fact where there is no table: a sentence stands for itself, any
// other text is led by its name.
func (f Fact) Line() Line {
	switch f.Name {
	case factScope, factOldest, factLinked, factTold, factNext:
		return append(Line{plain(f.Name + ": ")}, f.Text...)
	default:
		return f.Text
	}
}

// The names of the facts whose text is no sentence.
const (
	factScope  = "Scope"
	factOldest = "Oldest update"
	factLinked = "Same cause"
	factTold   = "Told"
	factNext   = "Next"
)

// Facts are what a person needs after the headline, in this order: since when;
// the clock that matters; for whom, with the counter-evidence; how it recovers;
// who is on it or why nobody is paged; who knows, and who is told next. now is for ages only.
func Facts(inc *watchdog.Incident, now time.Time) []Fact {
	w := words{inc: inc, clock: clock{ref: now, seconds: countsSeconds(inc)}}
	if isDrill(inc) {
		return w.drillFacts()
	}
	var facts []Fact
	add := func(name string, line Line) {
		if len(line) > 0 {
			facts = append(facts, Fact{name, line})
		}
	}
	add("Since", w.since())
	add("Source", w.source())
	add("Recovery", w.recovery())
	add("Loss", w.loss())
	add("Loss accepted", w.accepted())
	if inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged {
		if !inc.Cause.OfItself() {
			add(factScope, scopeLine(inc, inc.Scope))
		}
		if !everyone(inc.Scope) && len(inc.Scope.Oldest) > 0 && inc.Scope.Silent > 1 {
			add(factOldest, oldestLine(inc.Scope, w.clock))
		}
		if inc.Cause == watchdog.CauseSilent && len(inc.Scope.StillArrive) > 0 && inc.Scope.Of > inc.Scope.Silent {
			add("Still arriving", arrivingLine(inc.Scope))
		}
	}
	add(factLinked, linkedLine(inc))
	add(w.ack())
	add("Held", w.held())
	add(factTold, w.told())
	add(factNext, w.next())
	return facts
}

// words writes sentences about one incident as seen at one time.
type words struct {
	inc *watchdog.Incident
	clock
}

func (w words) now() time.Time { return w.ref }

// ago is an absolute time with its age: "24 Nov 00:00 UTC" and " (5 min)".
func (w words) ago(t time.Time) []Span {
	return []Span{bold(w.day(t) + " UTC"), plain(" (" + Age(w.now().Sub(t)) + ")")}
}

func (w words) since() Line {
	inc := w.inc
	if inc.State == watchdog.StateResolved || inc.State == watchdog.StateRecovering {
		return w.was()
	}
	var line Line
	switch inc.Cause {
	case watchdog.CauseBlind:
		return w.lastKnown()
	case watchdog.CauseUnheard:
		if inc.FoundBy != "" {
			line = append(Line{plain("A drill found it ")}, w.ago(inc.Opened.Time())...)
			return append(line, plain(". "), note(inc.Failure), plain(". Once it is mended: "), code("feedwatch drill"), plain(" shows it."))
		}
		line = append(Line{plain("It does not take pages since ")}, w.ago(inc.Opened.Time())...)
		return append(line, plain("; they go to others meanwhile. "), note(inc.Failure))
	case watchdog.CauseRefused:
		return w.refused()
	case watchdog.CauseFrozen:
		line = Line{plain("Updates arrive, but always the same old ones")}
		if !inc.Loss.Start.IsZero() && !inc.Loss.ByArrival {
			line = append(Line{plain("Updates arrive, but none made after ")}, w.ago(inc.Loss.Start.Time())...)
		}
	case watchdog.CauseBehind:
		line = Line{plain("Updates arrive more slowly than they are made")}
		if cu := inc.CatchUp; cu != nil {
			line = Line{plain("Updates arrive "), bold(Age(cu.Lag) + " late")}
			if cu.Speed > 0 {
				line = append(line, plain(" and ever later: "+pace(cu.Speed)))
			}
		}
	case watchdog.CauseTrickling:
		line = w.trickles()
	default:
		expected := inc.ExpectedSince().Time()
		line = append(Line{plain("No update has been seen yet; expected since ")}, w.ago(expected)...)
		if !inc.Since.IsZero() {
			no := "No update since "
			if s := inc.Scope; s.Silent > 1 && !everyone(s) {
				no = "No update from them since "
			}
			line = append(Line{plain(no)}, w.ago(inc.Since.Time())...)
			if inc.Newest.Sub(inc.Since) >= time.Second { // it grew
				line = append(Line{plain("No update from the first of them since ")}, w.ago(inc.Since.Time())...)
				line = append(append(line, plain(", from any since ")), w.ago(inc.Newest.Time())...)
			}
		}
		if again := inc.Loss.FirstAgain; !again.IsZero() {
			line = append(line, plain("; some arrive again since "+w.time(again.Time())+" UTC"))
		}
	}
	return append(append(line, plain(".")), w.rule()...)
}

// hours are those in which the rule counts silence.
func (w words) hours() string {
	if w.inc.Hours == "" {
		return ""
	}
	return " of its hours, " + w.inc.Hours
}

func (w words) rule() Line {
	switch {
	case w.inc.Rule == "":
		return Line{plain(" The rule that opened this was removed.")}
	case w.inc.Allowed <= 0 || w.inc.Cause == watchdog.CauseTrickling && w.inc.Hours == "":
		return Line{plain(" The rule is "), code(w.inc.Rule), plain(".")}
	case w.inc.Cause == watchdog.CauseTrickling:
		return Line{plain(" The rule "), code(w.inc.Rule), plain(" counts " + Duration(w.inc.Allowed) + w.hours() + ".")}
	default:
		return Line{plain(" The rule "), code(w.inc.Rule), plain(" allows " + Duration(w.inc.Allowed) + w.hours() + ".")}
	}
}

func (w words) lastKnown() Line {
	about, may := "of it", "it may be fine or silent."
	if n := w.inc.Scope.Silent; n > 1 {
		about, may = "of its "+Count(n)+" clients", "they may be fine or silent."
	}
	if w.inc.Since.IsZero() {
		return Line{plain("Nothing is known " + about + ": " + may)}
	}
	line := append(Line{plain("Last update seen ")}, w.ago(w.inc.Since.Time())...)
	return append(line, plain(". Nothing is known "+about+" since then: "+may))
}

func (w words) source() Line {
	inc := w.inc
	if inc.Cause != watchdog.CauseBlind || inc.State == watchdog.StateResolved || inc.State == watchdog.StateRecovering {
		return nil
	}
	word, says := "Source ", " does not say why."
	if several(inc) {
		word, says = "Sources ", " do not say why."
	}
	switch {
	case inc.Source != "" && inc.Failure != "":
		return Line{plain(word), code(inc.Source), plain(" now: "), note(inc.Failure), plain(".")}
	case inc.Failure != "":
		return Line{plain("Now: "), note(inc.Failure), plain(".")}
	case inc.Source != "":
		return Line{plain(word), code(inc.Source), plain(says)}
	default:
		return nil
	}
}

// was is the trouble in hindsight.
func (w words) was() Line {
	inc := w.inc
	again := inc.Loss.FirstAgain
	if inc.Cause != watchdog.CauseSilent || inc.Since.IsZero() || again.IsZero() {
		return nil
	}
	last := ""
	if inc.Newest.Sub(inc.Since) >= time.Second && inc.Newest < again { // it grew
		last = ", the last to fall silent " + Age(again.Sub(inc.Newest))
	}
	if inc.Calm.Sub(again) >= time.Minute { // some came back later than others
		return Line{
			plain("No update from "), bold(w.span(inc.Since.Time(), again.Time(), "to") + " UTC"),
			plain(", from the last of them to "), bold(w.day(inc.Calm.Time()) + " UTC"),
			plain(": silent " + Age(again.Sub(inc.Since)) + " to " + Age(inc.Calm.Sub(inc.Since)) + "."),
		}
	}
	return Line{
		plain("No update from "), bold(w.span(inc.Since.Time(), again.Time(), "to") + " UTC"),
		plain(": silent " + Age(again.Sub(inc.Since)) + last + "."),
	}
}

func (w words) recovery() Line {
	inc := w.inc
	switch {
	case inc.State == watchdog.StateResolved:
		return w.resolution()
	case inc.State != watchdog.StateRecovering && inc.CatchUp == nil, inc.Cause == watchdog.CauseBehind && inc.State != watchdog.StateRecovering:
		return nil
	case !inc.WellSince.IsZero() && neverCame(inc):
		return Line{plain("Nobody that is still watched is silent. Resolves if it stays so.")}
	case !inc.WellSince.IsZero():
		line := append(Line{plain(allWell(inc.Cause) + " since ")}, w.ago(inc.WellSince.Time())...)
		return append(line, plain(". Resolves if it stays so."))
	case inc.CatchUp != nil:
		return append(w.behind(), w.eta()...)
	case inc.Cause == watchdog.CauseTrickling:
		return Line{plain("More updates arrive again. Not resolved yet.")}
	default:
		return Line{plain("Updates arrive again. Not resolved yet.")}
	}
}

// ourselves is how the machine signs what no person did.
const ourselves = "feedwatch"

// resolution is when and by whom.
func (w words) resolution() Line {
	inc := w.inc
	var line Line
	switch {
	case neverCame(inc):
		line = Line{plain("No longer watched: unseen for longer than the rule's forget_after. ")}
	case !inc.WellSince.IsZero() && inc.Cause == watchdog.CauseUnheard:
		line = Line{plain("It takes pages again since "), bold(w.day(inc.WellSince.Time()) + " UTC"), plain(". ")}
	case inc.Cause == watchdog.CauseRefused:
		line = Line{plain("The rule files are in force. ")}
	case !inc.WellSince.IsZero():
		line = Line{plain(wellAgain(inc.Cause) + " since "), bold(w.day(inc.WellSince.Time()) + " UTC"), plain(". ")}
	}
	line = append(line, plain("Resolved "+w.day(inc.Resolved.Time())+" UTC"))
	if inc.ResolvedBy != "" && inc.ResolvedBy != ourselves {
		line = append(line, plain(" by "), name(inc.ResolvedBy))
	}
	return append(line, plain("."))
}

func (w words) behind() Line {
	cu := w.inc.CatchUp
	line := Line{plain("Updates arrive again, "), bold(Age(cu.Lag) + " behind")}
	if !cu.Event.IsZero() {
		line = append(line, plain(": now those of "+w.day(cu.Event.Time())+" UTC"))
	}
	return append(line, plain(". "))
}

// eta is how fast the backlog drains and when it is gone.
func (w words) eta() Line {
	cu := w.inc.CatchUp
	var line Line
	switch {
	case cu.Speed > 0 && !cu.From.IsZero():
		line = Line{plain("Catching up: " + pace(cu.Speed) + ", "), bold("current again " + w.between(cu.From.Time(), cu.To.Time()) + " UTC")}
	case cu.Speed > 0:
		line = Line{plain("Catching up: " + pace(cu.Speed))}
	default:
		line = Line{plain("How fast is not known yet")}
	}
	return append(line, plain(". Not resolved yet."))
}

// between is "between 4 Dec 11:20 and 14:00" or, for one minute or second, "at about 4 Dec 12:30".
func (w words) between(from, to time.Time) string {
	unit := time.Minute
	if w.seconds {
		unit = time.Second
	}
	if to.IsZero() || to.Sub(from) < unit {
		return "at about " + w.time(from)
	}
	end := clock{ref: from, seconds: w.seconds}
	return "between " + w.time(from) + " and " + end.time(to)
}
