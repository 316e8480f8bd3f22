package notifiertest

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// Unheard is a notifier that refuses us, which others are told.
func Unheard() Scene {
	at := At("2025-11-24 00:10")
	inc := &watchdog.Incident{
		ID: "1763943000000-0badcafe", Key: "fw/prod/feedwatch/1763943000000-0badcafe", Feed: watchdog.SelfFeed, Cause: watchdog.CauseUnheard,
		Opened: at, Seen: at, Since: at, Anchor: pagerCDP.String(), State: watchdog.StateOpen, Severity: rules.Error,
		Source: pagerCDP.String(), Failure: "It refuses what feedwatch sends: refused: pagerduty trigger: HTTP 401 Unauthorized",
		Pages: []watchdog.Page{{N: 1, At: at, Reason: watchdog.ReasonOpened, Targets: []rules.Target{slackCDP, pagerInfo}}},
	}
	add(inc, "2025-11-24 00:10", watchdog.EventOpened, watchdog.Event{})
	add(inc, "2025-11-24 00:10", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"unheard", at, inc}
}

// HeardAgain is Unheard's end.
func HeardAgain() Scene {
	inc := Unheard().Incident
	inc.State, inc.WellSince, inc.Resolved = watchdog.StateResolved, At("2025-11-24 08:00"), At("2025-11-24 08:05")
	add(inc, "2025-11-24 08:05", watchdog.EventResolved, watchdog.Event{})
	return Scene{"heard-again", At("2025-11-24 08:05"), inc}
}
