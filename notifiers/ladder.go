package notifiers

import (
	"strings"

	"github.com/feedwatch/feedwatch/watchdog"
)

// TargetName is a destination as people call it: "PagerDuty cdp".
func TargetName(kind, target string) string {
	switch kind {
	case "slack":
		kind = "Slack"
	case "pagerduty":
		kind = "PagerDuty"
	case "alertmanager":
		kind = "Alertmanager"
	case "email":
		kind = "e-mail"
	}
	return Clean(kind+" "+target, nameRunesMax)
}

const targetsShown = 6

// targetNames joins the names of a page's destinations.
func targetNames[T ~[]E, E ~struct{ Kind, Name string }](targets T) string {
	var names []string
	for i, t := range targets {
		if i == targetsShown {
			names = append(names, Count(len(targets)-i)+" more")
			break
		}
		kind := struct{ Kind, Name string }(t)
		names = append(names, TargetName(kind.Kind, kind.Name))
	}
	if len(names) == 0 {
		return "nobody"
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

// told is who knows already, each with the time of the first page.
func (w words) told() Line {
	var parts []string
	seen := map[string]bool{}
	more := 0
	for _, p := range w.inc.Pages {
		for _, t := range p.Targets {
			n := TargetName(t.Kind, t.Name)
			if seen[n] {
				continue
			}
			seen[n] = true
			if len(parts) == targetsShown {
				more++
				continue
			}
			parts = append(parts, n+" "+w.time(p.At.Time()))
		}
	}
	switch {
	case len(parts) == 0 && w.inc.Next == nil && w.inc.Escalation == "" && w.inc.State == watchdog.StateOpen:
		return Line{plain("nobody, for the feed has no "), code("escalation"), plain(" in its rules.")}
	case len(parts) == 0:
		return nil
	case more > 0:
		return Line{plain(strings.Join(parts, ", ") + " UTC and " + Count(more) + " more.")}
	default:
		return Line{plain(strings.Join(parts, ", ") + " UTC.")}
	}
}

// next is who is told next, and when.
func (w words) next() Line {
	n := w.inc.Next
	if n == nil || w.inc.State == watchdog.StateResolved {
		return nil
	}
	at := " at " + w.time(n.At.Time()) + " UTC"
	if in := n.At.Time().Sub(w.now()); in > 0 {
		at += " (in " + Age(in) + ")"
	}
	who := targetNames(n.Targets)
	switch n.Why {
	case watchdog.ReasonRepeat:
		return Line{plain(who + " again" + at + " unless someone acknowledges.")}
	case watchdog.ReasonAckExpired:
		return Line{plain(who + at + ", when the acknowledgement ends.")}
	case watchdog.ReasonSnoozeOver:
		return Line{plain(who + at + ", when the snooze ends.")}
	case watchdog.ReasonNotOver:
		return Line{plain(who + at + unless(w.inc.Cause) + ".")}
	case watchdog.ReasonHoldEnded, watchdog.ReasonOpened:
		return Line{plain(who + at + w.holdEnds())}
	case watchdog.ReasonGrew:
		return Line{plain(who + at + ", for it has grown.")}
	case watchdog.ReasonLossNear:
		return Line{plain(who + at + ", ahead of the loss, " + w.whateverHolds() + ".")}
	case watchdog.ReasonLossBegun:
		return Line{plain(who + at + ", when loss begins, " + w.whateverHolds() + ".")}
	default:
		return Line{plain(who + at + " unless someone acknowledges.")}
	}
}
