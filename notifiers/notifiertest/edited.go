package notifiertest

import (
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// RulesEdited is OneCluster after edits of the rules under it: some of what it is judged
// by, then the rule itself, which is gone.
func RulesEdited() Scene {
	inc := OneCluster().Incident
	add(inc, "2025-11-24 00:20", watchdog.EventRule, watchdog.Event{Note: "everyone-else", Edit: &watchdog.Edit{
		Set: "7f3a9c1b2d3e",
		Changes: []rules.Change{
			{What: "retention", Was: "7d", Now: "3d"},
			{What: "rule everyone-else, stale_after", Was: "30m", Now: "4h"},
			{What: "rule everyone-else, lag_over", Was: "1h"},
		},
		More: 2,
	}})
	add(inc, "2025-11-24 00:25", watchdog.EventRule, watchdog.Event{Edit: &watchdog.Edit{
		Set:     "0c4f2e9a7d61",
		Changes: []rules.Change{{What: "governed by rule", Was: "everyone-else", Now: "none"}, rules.Removed("rule everyone-else")},
	}})
	inc.Rule = ""
	return Scene{"rules-edited", At("2025-11-24 00:25"), inc}
}
