package selfwatch

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// TestDrillFindsSwallowed: what was accepted and did not arrive is told to the
// others until another drill sees it, whatever else is accepted.
func TestDrillFindsSwallowed(t *testing.T) {
	r := newRig(t)
	r.none(r.look(time.Minute))
	r.w.Drilled(Finding{About: "pagerduty/cdp", Drill: "7-1", At: r.now, Why: "it did not show", Swallowed: true})
	r.all[0].LastSuccess = r.now.Add(time.Minute)
	inc := r.one(r.look(24 * time.Hour))
	if paged(inc) != "slack/a console/t" || inc.FoundBy != "7-1" || inc.Failure != "it did not show" {
		t.Errorf("incident %+v", inc)
	}
	r.w.Drilled(Finding{About: "pagerduty/cdp", Drill: "7-2", At: r.now, Why: "it did not show", Swallowed: true})
	r.none(r.look(time.Hour))
	r.w.Drilled(Finding{About: "pagerduty/cdp", Drill: "7-3", At: r.now})
	r.all[0].LastSuccess = r.now
	if over := r.one(r.look(10 * time.Minute)); over.ID != inc.ID || over.State != watchdog.StateResolved {
		t.Errorf("incident %+v, want it resolved", over)
	}
}

// TestDrillFindsUnreached: what was not accepted is over once something is.
func TestDrillFindsUnreached(t *testing.T) {
	r := newRig(t)
	r.w.Drilled(Finding{About: "pagerduty/cdp", Drill: "7-1", At: r.now, Why: "connection refused"})
	inc := r.one(r.look(time.Hour))
	r.all[0].LastSuccess = r.now
	if over := r.one(r.look(10 * time.Minute)); over.ID != inc.ID || over.State != watchdog.StateResolved {
		t.Errorf("incident %+v, want it resolved", over)
	}
	r.none(r.look(time.Hour))
}

// TestNobodyAnswered: an escalation on which nobody acknowledged a drill is told to
// all, and is over with a drill that somebody acknowledged, or with the escalation.
func TestNobodyAnswered(t *testing.T) {
	r := newRig(t)
	unanswered := Finding{About: "escalation/cdp", Drill: "7-1", At: r.now, Why: "nobody acknowledged", Swallowed: true}
	r.w.Drilled(unanswered)
	inc := r.one(r.look(time.Hour))
	if paged(inc) != "pagerduty/cdp slack/a console/t" || !strings.HasPrefix(inc.Key, "fw/example/feedwatch/") || inc.Source != "escalation/cdp" {
		t.Errorf("incident %+v", inc)
	}
	r.w.Drilled(Finding{About: "escalation/cdp", Drill: "7-2", At: r.now})
	if over := r.one(r.look(10 * time.Minute)); over.State != watchdog.StateResolved {
		t.Errorf("incident %+v", over)
	}
	r.w.Drilled(unanswered)
	r.one(r.look(time.Minute))
	if over := r.one(r.w.Look(r.now.Add(time.Second), r.all, nil)); over.State != watchdog.StateResolved {
		t.Errorf("incident %+v, want it over with the escalation", over)
	}
}
