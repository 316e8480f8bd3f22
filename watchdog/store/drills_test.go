package store

import (
	"testing"

	"github.com/feedwatch/feedwatch/watchdog"
)

// testDrills: the newest drills that are over, and nothing that only looks like one.
func testDrills(t *testing.T, open place) {
	s := open()
	drill := func(n int, state watchdog.State) *watchdog.Incident {
		inc := incident(n, state, 1)
		inc.Feed, inc.Cause, inc.Drill = watchdog.SelfFeed, watchdog.CauseDrill, &watchdog.Drill{By: "anna", Over: state == watchdog.StateResolved}
		return inc
	}
	named := incident(6, watchdog.StateResolved, 1)
	named.Feed, named.Failure = watchdog.SelfFeed, `"drill":{`
	older, newer := drill(0, watchdog.StateResolved), drill(1, watchdog.StateResolved)
	ok(t, s.SaveIncidents(t.Context(), []*watchdog.Incident{
		older, newer, drill(7, watchdog.StateOpen), incident(5, watchdog.StateResolved, 1), named,
	}))
	got, err := s.Drills(t.Context(), 10)
	ok(t, err)
	same(t, "drills", got, []*watchdog.Incident{newer, older})
	got, err = s.Drills(t.Context(), 1)
	ok(t, err)
	same(t, "the newest", got, []*watchdog.Incident{newer})
}
