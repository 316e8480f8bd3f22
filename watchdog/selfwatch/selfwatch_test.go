package selfwatch

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// rig is three notifiers under a watch.
type rig struct {
	t   *testing.T
	w   *Watch
	now feed.Instant
	all []delivery.TargetStatus
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, w: New("example", nil), now: feed.At(time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC))}
	for _, name := range []string{"pagerduty/cdp", "slack/a", "console/t"} {
		target, err := rules.ParseTarget(name)
		if err != nil {
			t.Fatal(err)
		}
		r.all = append(r.all, delivery.TargetStatus{Target: target})
	}
	return r
}

// look goes on by d, looking each second, and returns what changed.
func (r *rig) look(d time.Duration) (changed []*watchdog.Incident) {
	for end := r.now.Add(d); r.now < end; {
		r.now = r.now.Add(time.Second)
		changed = append(changed, r.w.Look(r.now, r.all, []string{"escalation/cdp"})...)
	}
	return changed
}

func (r *rig) one(changed []*watchdog.Incident) *watchdog.Incident {
	r.t.Helper()
	if len(changed) != 1 {
		r.t.Fatalf("%d changes, want one: %+v", len(changed), changed)
	}
	return changed[0]
}

func (r *rig) none(changed []*watchdog.Incident) {
	r.t.Helper()
	if len(changed) > 0 {
		r.t.Fatalf("changed %+v, want nothing", changed[0])
	}
}

func paged(inc *watchdog.Incident) string {
	var names []string
	for _, p := range inc.Pages {
		for _, t := range p.Targets {
			names = append(names, t.String())
		}
	}
	return strings.Join(names, " ")
}

func TestParked(t *testing.T) {
	r := newRig(t)
	r.none(r.look(time.Minute))
	r.all[0].Parked = "refused: HTTP 401"
	inc := r.one(r.look(time.Hour))
	if got := paged(inc); got != "slack/a console/t" {
		t.Errorf("paged %s, want the others", got)
	}
	if !strings.HasPrefix(inc.Key, "fw/example/feedwatch/") || inc.Source != "pagerduty/cdp" || !strings.Contains(inc.Failure, "HTTP 401") || !Ours(inc) {
		t.Errorf("incident %+v", inc)
	}
	if r.w.Find(inc.ID) == nil || r.w.Find("other") != nil {
		t.Error("Find does not know it, or knows others")
	}
	works := func() { r.all[0].Parked, r.all[0].LastSuccess = "", r.now }
	works()
	r.none(r.look(4 * time.Minute))
	r.all[0].Parked = "refused: HTTP 401" // it comes and goes: still the same
	r.none(r.look(time.Minute))
	works()
	over := r.one(r.look(time.Hour))
	if over.ID != inc.ID || over.State != watchdog.StateResolved || len(over.Events) != 3 || over.Revision <= inc.Revision {
		t.Errorf("incident %+v, want it resolved", over)
	}
	if len(inc.Events) != 2 || inc.State != watchdog.StateOpen {
		t.Error("a picture that was handed out changed")
	}
	r.none(r.look(time.Hour))
	r.all[0].Parked = "again"
	if again := r.one(r.look(time.Minute)); again.ID == inc.ID {
		t.Error("an id is used twice")
	}
}

func TestGivenUp(t *testing.T) {
	r := newRig(t)
	r.all[1].Dead, r.all[1].DeadReason = 1, "bad_payload: invalid_blocks"
	inc := r.one(r.look(30 * time.Minute))
	if got := paged(inc); got != "pagerduty/cdp console/t" || !strings.Contains(inc.Failure, "invalid_blocks") {
		t.Errorf("paged %s: %s", got, inc.Failure)
	}
	r.all[1].Dead = 2
	r.none(r.look(2 * time.Hour)) // nothing was told since: nobody knows
	r.all[1].LastSuccess = r.now
	if over := r.one(r.look(10 * time.Minute)); over.State != watchdog.StateResolved {
		t.Errorf("incident %+v, want it resolved an hour after the last", over)
	}
	r.none(r.look(time.Hour))
}

// TestNobodyElse: where nobody can be told, whoever can first is.
func TestNobodyElse(t *testing.T) {
	r := newRig(t)
	for i := range r.all {
		r.all[i].Parked = "no way"
	}
	for _, inc := range r.look(time.Minute) {
		if len(inc.Pages) > 0 {
			t.Errorf("paged %s", paged(inc))
		}
	}
	r.all[1].Parked = ""
	told := r.look(time.Minute)
	if len(told) != 2 || paged(told[0]) != "slack/a" || paged(told[1]) != "slack/a" {
		t.Errorf("told %+v", told)
	}
}

// TestRestart: what was open goes on, also for a notifier that is gone.
func TestRestart(t *testing.T) {
	r := newRig(t)
	r.all[0].Parked, r.all[1].Parked = "HTTP 401", "invalid_auth"
	before := r.look(time.Second)
	machines := &watchdog.Incident{ID: "1-2", Feed: "profiles", Source: "prom-eu", Cause: watchdog.CauseBlind}
	r.w = New("example", append(before, machines))
	r.none(r.look(time.Minute))
	for i := range r.all { // nobody has been told anything since: it is not known to work
		r.all[i].Parked = ""
	}
	r.none(r.look(time.Hour))
	r.all = r.all[1:]
	over := r.one(r.look(time.Minute))
	if over.ID != before[0].ID || over.State != watchdog.StateResolved {
		t.Errorf("incident %+v", over)
	}
}
