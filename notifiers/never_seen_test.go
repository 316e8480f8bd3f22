package notifiers_test

import (
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/watchdog"
)

// A feed that had no client when it was silent has some once they arrive: it was
// silent, and not for 0 of them.
func TestAFeedWithoutClientsWasNotSilentForNoneOfThem(t *testing.T) {
	scene := notifiertest.NeverSeen()
	inc := scene.Incident
	inc.Scope = watchdog.Scope{Of: 20}
	inc.Worst = inc.Scope
	inc.State, inc.WellSince = watchdog.StateRecovering, notifiertest.At("2025-11-24 00:06")
	inc.Loss.FirstAgain = inc.WellSince
	inc.Events = append(inc.Events, watchdog.Event{N: 2, At: inc.WellSince, Kind: watchdog.EventWell})
	scene.Now = notifiertest.At("2025-11-24 00:07")
	if got := notifiers.Headline(inc); got != "external-profiles is current again" {
		t.Errorf("recovering: %q", got)
	}
	if got := reading(scene); strings.Contains(got, "0 of 20") {
		t.Errorf("recovering:\n%s", got)
	}
	inc.State, inc.Resolved = watchdog.StateResolved, notifiertest.At("2025-11-24 00:11")
	inc.Events = append(inc.Events, watchdog.Event{N: 3, At: inc.Resolved, Kind: watchdog.EventResolved})
	if got := notifiers.Headline(inc); got != "Resolved: external-profiles was silent 1 min" {
		t.Errorf("resolved: %q", got)
	}
	if got := reading(scene); strings.Contains(got, "0 of 20") {
		t.Errorf("resolved:\n%s", got)
	}
}
