package notifiers

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// trickles says how many updates came of those that the rule asks for: of the first to
// which too few did, where there are others.
func (w words) trickles() Line {
	t := w.inc.Trickle
	if t == nil {
		return Line{plain("Fewer updates arrive than the rule asks for")}
	}
	if t.Came < 0 { // counted under a rule that was
		return Line{plain("Fewer updates arrive than the rule asks for: at least " + Count(t.AtLeast) + " in " + Duration(t.Per))}
	}
	line := Line{bold(few(t.Came) + " in " + Duration(t.Per))}
	if w.inc.Scope.Silent > 1 && !everyone(w.inc.Scope) {
		line = append(line, plain(" from "), name(t.Row), plain(", the first of them"))
	}
	line = append(line, plain(", as of "+w.day(w.inc.Opened.Time())+" UTC; at least "+Count(t.AtLeast)+" are expected"))
	if !w.inc.Loss.Begins.IsZero() {
		line = append(line, plain("; what came last was at "+w.day(w.inc.Loss.Start.Time())+" UTC, and nothing since"))
	}
	return line
}

func few(came int) string {
	if came == 0 {
		return "No update"
	}
	return plural(came, "update")
}

// trickleLoss is what can be said of loss while too few updates arrive: nobody here
// knows whether more are made.
func (w words) trickleLoss() Line {
	inc, keeps := w.inc, Duration(w.inc.Loss.Retention)
	if t := inc.Trickle; t != nil {
		if gone := w.now().Add(-inc.Loss.Retention); gone.Sub(t.From.Time()) >= time.Second {
			return Line{
				bold("At risk: updates from " + w.span(t.From.Time(), gone, "to") + " UTC"),
				plain(", if more were made than arrived: the queue keeps what nobody has read for " + keeps + "."),
			}
		}
	}
	return Line{plain("How much is lost cannot be known from here: more may be made than arrives, and the queue keeps what nobody has read for " + keeps + ".")}
}

// allWell and wellAgain say that a trouble of that cause is over.
func allWell(c watchdog.Cause) string {
	if c == watchdog.CauseTrickling {
		return "Enough updates arrive for all"
	}
	return "All current"
}

func currentAgain(c watchdog.Cause) string {
	if c == watchdog.CauseTrickling {
		return "has enough updates again"
	}
	return "is current again"
}

func wellAgain(c watchdog.Cause) string {
	if c == watchdog.CauseTrickling {
		return "Enough updates again"
	}
	return "Current again"
}

// trickleSummary is how many came, for a summary.
func trickleSummary(inc *watchdog.Incident) string {
	t := inc.Trickle
	if inc.Cause != watchdog.CauseTrickling || t == nil || t.Came < 0 {
		return ""
	}
	return Count(t.Came) + " in " + Duration(t.Per) + ", at least " + Count(t.AtLeast)
}
