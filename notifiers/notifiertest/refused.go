package notifiertest

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// RulesRefused is a set of rule files that is not taken.
func RulesRefused() Scene {
	const findings = `profiles.yaml:6:55: unknown key "stale_afer" [unknown-key] and 3 more`
	at := At("2025-11-24 09:13")
	inc := &watchdog.Incident{
		ID: "1763975580000-0badf11e", Key: "fw/prod/feedwatch/1763975580000-0badf11e", Feed: watchdog.SelfFeed, Cause: watchdog.CauseRefused,
		Opened: At("2025-11-24 09:12"), Seen: at, Since: At("2025-11-23 14:02"), Anchor: "7f3a9c000000", State: watchdog.StateOpen, Severity: rules.Warning,
		Failure: findings,
		Pages:   []watchdog.Page{{N: 1, At: at, Reason: watchdog.ReasonOpened, Targets: []rules.Target{slackCDP}}},
	}
	add(inc, "2025-11-24 09:13", watchdog.EventOpened, watchdog.Event{Note: findings})
	add(inc, "2025-11-24 09:13", watchdog.EventPaged, watchdog.Event{Page: 1})
	return Scene{"rules-refused", at, inc}
}

// RulesTaken is RulesRefused's end.
func RulesTaken() Scene {
	inc := RulesRefused().Incident
	inc.State, inc.WellSince, inc.Resolved = watchdog.StateResolved, At("2025-11-24 11:30"), At("2025-11-24 11:30")
	add(inc, "2025-11-24 11:30", watchdog.EventResolved, watchdog.Event{})
	return Scene{"rules-taken", At("2025-11-24 11:30"), inc}
}
