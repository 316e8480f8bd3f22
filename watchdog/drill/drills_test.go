package drill

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

func TestSeen(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		all := w.begin(Ask{})
		if len(all) != 1 || all[0].Escalation != "cdp, consent" || all[0].Severity != rules.Info {
			t.Fatalf("drills %+v, want one of both ladders that wakes nobody", all)
		}
		after(10 * time.Second)
		want := map[string]watchdog.DrillState{
			"slack/a": watchdog.DrillSeen, "slack/b": watchdog.DrillSeen, "pagerduty/cdp": watchdog.DrillSeen, "webhook/x": watchdog.DrillUnseen,
		}
		if got := w.results(all[0].ID); !maps.Equal(got, want) {
			t.Errorf("results %v, want %v", got, want)
		}
		for notifier, heard := range map[string]string{"slack/a": "root e3 root", "pagerduty/cdp": "p1 p1/resolve", "pagerduty/other": "", "webhook/x": "e2 e3"} {
			if got := w.places[notifier].heard(); got != heard {
				t.Errorf("%s heard %q, want %q", notifier, got, heard)
			}
		}
		w.nothingOpen()
		if w.why("pagerduty/cdp") != "" || w.why("webhook/x") != "" || w.why("escalation/cdp") != "-" {
			t.Errorf("found %v", w.found)
		}
		if w.success("slack/a") == 0 || w.success("webhook/x") != 0 || w.success("pagerduty/other") != 0 {
			t.Error("a success is counted for what was not seen, or not for what was")
		}
		if n := testutil.ToFloat64(w.metrics.drills.WithLabelValues(resultPassed)); n != 1 {
			t.Errorf("%g drills passed", n)
		}
	})
}

// TestSwallowed: what is accepted and does not show has failed, until a drill sees it.
func TestSwallowed(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		pager := w.places["pagerduty/cdp"]
		pager.set(func(p *place) { p.swallows = true })
		id := w.begin(Ask{Escalation: "cdp"})[0].ID
		after(SeenWithin - time.Second)
		if w.Find(id).Drill.Over {
			t.Error("it gave up early")
		}
		after(2 * time.Second)
		if got := w.results(id); got["pagerduty/cdp"] != watchdog.DrillFailed || got["slack/a"] != watchdog.DrillSeen {
			t.Errorf("results %v", got)
		}
		if why := w.why("pagerduty/cdp"); !strings.Contains(why, "accepted, but not seen there within 2 min") || w.why("slack/a") != "" {
			t.Errorf("found %v", w.found)
		}
		r := w.Find(id).Drill.Notifiers[1]
		if r.Mend != "look there" || w.success("pagerduty/cdp") != 0 || testutil.ToFloat64(w.metrics.failures.WithLabelValues("pagerduty/cdp")) != 1 {
			t.Errorf("result %+v", r)
		}
		if pager.heard() != "p1 p1/resolve" {
			t.Errorf("heard %q: what may be there is resolved", pager.heard())
		}
		pager.set(func(p *place) { p.swallows = false })
		again := w.begin(Ask{Escalation: "cdp"})[0].ID
		after(10 * time.Second)
		if got := w.results(again); got["pagerduty/cdp"] != watchdog.DrillSeen || w.why("pagerduty/cdp") != "" {
			t.Errorf("results %v, found %v", got, w.found)
		}
	})
}

// TestMayNotLook: what may not be looked for is no success, and no failure of the way.
func TestMayNotLook(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		w.places["slack/b"].set(func(p *place) {
			p.hides = &delivery.Error{Class: delivery.Refused, Err: errors.New("missing_scope")}
		})
		w.places["slack/a"].set(func(p *place) { p.hides = errors.New("HTTP 502") })
		id := w.begin(Ask{Escalation: "consent"})[0].ID
		after(20 * time.Second)
		w.places["slack/a"].set(func(p *place) { p.hides = nil })
		after(20 * time.Second)
		if got := w.results(id); got["slack/b"] != watchdog.DrillUnseen || got["slack/a"] != watchdog.DrillSeen {
			t.Errorf("results %v", got)
		}
		if r := w.Find(id).Drill.Notifiers[1]; r.Why != "missing_scope" || w.success("slack/b") != 0 {
			t.Errorf("result %+v", r)
		}
	})
}

// TestRefused: who refuses us has failed at once. Nobody else is told in its place,
// and it is told nothing of a drill that is over.
func TestRefused(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		for _, name := range []string{"pagerduty/cdp", "slack/a"} {
			w.places[name].set(func(p *place) { p.refuses = "HTTP 401" })
		}
		id := w.begin(Ask{Escalation: "cdp"})[0].ID
		after(5 * time.Second)
		if got := w.results(id); got["pagerduty/cdp"] != watchdog.DrillFailed || got["slack/a"] != watchdog.DrillFailed || got["webhook/x"] != watchdog.DrillUnseen {
			t.Errorf("results %v", got)
		}
		if r := w.Find(id).Drill.Notifiers[0]; !strings.Contains(r.Why, "HTTP 401") || !strings.Contains(r.Mend, "feedwatch notifiers retry slack/a") {
			t.Errorf("result %+v", r)
		}
		for _, name := range []string{"pagerduty/cdp", "slack/a"} {
			w.places[name].set(func(p *place) { p.refuses = "" })
		}
		after(time.Hour)
		for _, name := range []string{"pagerduty/cdp", "pagerduty/other", "slack/a", "slack/b"} {
			if heard := w.places[name].heard(); heard != "" {
				t.Errorf("%s heard %q", name, heard)
			}
		}
		for _, s := range w.delivery.Status() {
			if s.Pending > 0 {
				t.Errorf("%d wait for %s", s.Pending, s.Target)
			}
		}
	})
}

// TestOneAtOnce: a second drill is refused, and one that cannot be stored, or is of
// nothing, is not begun.
func TestOneAtOnce(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		if _, err := w.Start(t.Context(), Ask{Escalation: "cpd"}); !errors.Is(err, ErrNoEscalation) || !strings.Contains(err.Error(), "cdp, consent") {
			t.Errorf("error %v", err)
		}
		w.disk.mu.Lock()
		w.disk.err = errors.New("disk full")
		w.disk.mu.Unlock()
		if _, err := w.Start(t.Context(), Ask{}); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("error %v", err)
		}
		w.disk.mu.Lock()
		w.disk.err = nil
		w.disk.mu.Unlock()
		id := w.begin(Ask{Human: true, Escalation: "cdp"})[0].ID
		after(time.Minute)
		if _, err := w.Start(t.Context(), Ask{}); !errors.Is(err, ErrUnderWay) || !strings.Contains(err.Error(), id) {
			t.Errorf("error %v", err)
		}
		after(watchdog.DrillHumanDefault)
		w.begin(Ask{})
		after(time.Minute)
	})
}
