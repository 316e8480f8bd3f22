package drill

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// opened is a new drill of some escalations. Without a person it is of the least
// severity, so that a service that tells them apart wakes nobody.
func opened(install string, now feed.Instant, ask Ask, ladders []*rules.Escalation) *watchdog.Incident {
	lasts, severity := SeenWithin, rules.Info
	if ask.Human {
		lasts, severity = cmp.Or(ask.Within, watchdog.DrillHumanDefault), rules.Error
	}
	drill := &watchdog.Drill{By: ask.By, Human: ask.Human, Until: now.Add(lasts)}
	var targets []rules.Target
	for _, l := range ladders {
		drill.Escalations = append(drill.Escalations, l.Name())
		for _, t := range l.Targets() {
			if !slices.Contains(targets, t) {
				targets = append(targets, t)
				drill.Notifiers = append(drill.Notifiers, watchdog.DrillResult{Notifier: t, State: watchdog.DrillWaiting, At: now})
			}
		}
	}
	names := strings.Join(drill.Escalations, ", ")
	inc := watchdog.NewOwn(install, "drill/"+names, now)
	inc.Cause, inc.Severity = watchdog.CauseDrill, severity
	inc.Since, inc.Anchor, inc.Escalation, inc.Drill = now, "drill", names, drill
	inc.Record(watchdog.Event{At: now, Kind: watchdog.EventOpened})
	inc.PageOnce(now, targets)
	return inc
}

// acknowledged is the drill with a person's word, for as long as it may run.
func acknowledged(old *watchdog.Incident, now feed.Instant, by string, d time.Duration) *watchdog.Incident {
	inc := *old
	inc.State, inc.Ack = watchdog.StateAcknowledged, &watchdog.Ack{By: by, At: now, Until: now.Add(cmp.Or(d, watchdog.AcknowledgeForDefault))}
	inc.Record(watchdog.Event{At: now, Kind: watchdog.EventAcknowledged, Who: by})
	return &inc
}

// over is the drill at its end. cut is why it has no result.
func over(old *watchdog.Incident, now feed.Instant, cut string) *watchdog.Incident {
	inc, drill := *old, *old.Drill
	drill.Over, drill.CutShort = true, cut
	if cut == "" && drill.Human && inc.Ack == nil {
		drill.Failed = "nobody acknowledged within " + short(drill.Until.Sub(inc.Opened))
	}
	inc.Drill = &drill
	inc.State, inc.Resolved = watchdog.StateResolved, now
	inc.Record(watchdog.Event{At: now, Kind: watchdog.EventResolved})
	return &inc
}

// with is the drill with another result at one notifier. It is no news that anybody
// is told: the revision stays.
func with(old *watchdog.Incident, r watchdog.DrillResult) *watchdog.Incident {
	inc, drill := *old, *old.Drill
	drill.Notifiers = slices.Clone(drill.Notifiers)
	for i := range drill.Notifiers {
		if drill.Notifiers[i].Notifier == r.Notifier {
			drill.Notifiers[i] = r
		}
	}
	inc.Drill = &drill
	return &inc
}

// short is "15 min" or "90 s".
func short(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	default:
		return fmt.Sprintf("%d s", d/time.Second)
	}
}
