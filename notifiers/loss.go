package notifiers

import (
	"cmp"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// loss is the clock that matters, or what it came to.
func (w words) loss() Line {
	inc, loss := w.inc, w.inc.Loss
	over := inc.State == watchdog.StateResolved || inc.State == watchdog.StateRecovering
	switch {
	case inc.Cause.OfItself():
		return nil // nothing is lost by it
	case !loss.LostFrom.IsZero():
		return w.lost()
	case loss.Retention <= 0 && over:
		return nil
	case loss.Retention <= 0:
		return Line{plain("When data loss begins is not known: the feed has no "), code("retention"), plain(" in its rules.")}
	case !loss.Begins.IsZero():
		return w.clockRuns()
	case inc.Cause == watchdog.CauseTrickling && !over:
		return w.trickleLoss()
	case inc.Cause == watchdog.CauseTrickling:
		return Line{plain("Nothing was lost that waited in the queue: it keeps " + Duration(loss.Retention) + ".")}
	case over && neverCame(inc):
		return w.untold()
	case over && inc.Cause != watchdog.CauseBlind:
		return Line{plain("Nothing was lost: the queue keeps " + Duration(loss.Retention) + ".")}
	case over:
		return nil
	default:
		return Line{plain("When data loss begins is not known: no update was ever seen. The queue keeps " + Duration(loss.Retention) + ".")}
	}
}

// untold is the loss of clients from which no update came again: whether any were
// made, nobody can say.
func (w words) untold() Line {
	loss := w.inc.Loss
	if loss.Start.IsZero() {
		return nil
	}
	return Line{plain("No update came again, so what was lost is not known: whatever was made from " + w.day(loss.Start.Time()) +
		" UTC on is deleted unread after " + Duration(loss.Retention) + ".")}
}

func (w words) clockRuns() Line {
	loss, now := w.inc.Loss, w.now()
	begins := loss.Begins.Time()
	keeps := ": the queue keeps " + Duration(loss.Retention) + "."
	if begins.After(now) {
		if w.inc.Cause == watchdog.CauseBlind {
			return Line{plain("If it is silent, "), bold("data loss begins " + w.day(begins) + " UTC"), plain(" (in " + Age(begins.Sub(now)) + ")" + keeps)}
		}
		pace := ""
		if w.inc.Cause == watchdog.CauseBehind {
			pace = " at this pace"
		}
		return Line{bold("Data loss begins " + w.day(begins) + " UTC"), plain(" (in " + Age(begins.Sub(now)) + ")" + pace + keeps)}
	}
	gone := now.Add(-loss.Retention)
	if w.inc.Cause == watchdog.CauseBlind {
		return Line{plain("If it is silent, "), bold("data has been lost since " + w.day(begins) + " UTC"), plain(" (" + Age(now.Sub(begins)) + ")" + keeps)}
	}
	line := Line{bold("Data has been lost since " + w.day(begins) + " UTC"), plain(" (" + Age(now.Sub(begins)) + ")")}
	if start := loss.Start.Time(); !loss.Start.IsZero() && gone.Sub(start) >= time.Second {
		line = append(line, plain(": updates from "+w.span(start, gone, "to")+" UTC are gone, and more by the minute. The queue keeps "+Duration(loss.Retention)+"."))
		return append(line, w.byArrival()...)
	}
	return append(line, plain(keeps))
}

// lost is the interval that a customer notice needs.
func (w words) lost() Line {
	loss := w.inc.Loss
	what := "Lost: updates from "
	if loss.AtRisk {
		what = "Lost or at risk: updates from "
	}
	forWhom := ""
	if loss.Updates >= 1 {
		forWhom = ", " + About(loss.Updates)
	}
	if n := cmp.Or(loss.Clients, widest(w.inc).Silent); n > 0 {
		forWhom += ", for " + plural(n, "client")
	}
	line := Line{bold(what + w.span(loss.LostFrom.Time(), loss.LostTo.Time(), "to") + " UTC" + forWhom + ".")}
	if loss.AtRisk && !loss.EventAgain.IsZero() {
		line = append(line, plain(" The first to arrive again was made "+w.day(loss.EventAgain.Time())+" UTC; the wider interval is given."))
	}
	return append(line, w.byArrival()...)
}

func (w words) byArrival() Line {
	if !w.inc.Loss.ByArrival {
		return nil
	}
	return Line{plain(" Told by time of arrival: the feed sends no event times.")}
}

// LostLine says what updates are gone at now, nil where none are. It is the
// same sentence as in Facts, for reports and ledgers.
func LostLine(inc *watchdog.Incident, now time.Time) Line {
	w := words{inc: inc, clock: clock{ref: now, seconds: countsSeconds(inc)}}
	if !inc.Loss.LostFrom.IsZero() {
		return w.lost()
	}
	if begins := inc.Loss.Begins; !begins.IsZero() && now.After(begins.Time()) && inc.Cause != watchdog.CauseBlind {
		return w.clockRuns()
	}
	return nil
}

// lossBegins is when loss begins, or would have begun; zero where that is not known.
func lossBegins(inc *watchdog.Incident) time.Time {
	loss := inc.Loss
	switch {
	case !loss.Begins.IsZero():
		return loss.Begins.Time()
	case loss.Start.IsZero() || loss.Retention <= 0 || inc.Cause == watchdog.CauseBehind || inc.Cause == watchdog.CauseTrickling:
		return time.Time{}
	default:
		return loss.Start.Add(loss.Retention).Time()
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}
