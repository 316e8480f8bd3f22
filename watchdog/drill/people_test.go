package drill

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// TestAcknowledged: each ladder asks for an acknowledgement of its own.
func TestAcknowledged(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		all := w.begin(Ask{Human: true, Within: 10 * time.Minute})
		if len(all) != 2 || all[0].Severity != rules.Error || all[0].Drill.Until != all[0].Opened.Add(10*time.Minute) {
			t.Fatalf("drills %+v, want one for each ladder", all)
		}
		after(3 * time.Minute)
		if w.Find(all[0].ID).Drill.Over || w.places["pagerduty/cdp"].alerts() != 1 {
			t.Error("it did not wait for a person")
		}
		if err := w.Acknowledge(t.Context(), all[0].ID, "bo", 0); err != nil {
			t.Fatal(err)
		}
		if err := w.Acknowledge(t.Context(), all[0].ID, "carl", 0); err != nil && !errors.Is(err, watchdog.ErrNoIncident) {
			t.Errorf("a second press: %v", err)
		}
		after(time.Second)
		w.results(all[0].ID)
		if inc := w.Find(all[0].ID); inc.Ack.By != "bo" || !inc.Drill.Passed() || w.why("escalation/cdp") != "" {
			t.Errorf("drill %+v %+v", inc.Ack, inc.Drill)
		}
		w.nothingOpen()
		if w.success("pagerduty/cdp") == 0 || w.success("slack/b") != 0 {
			t.Error("a success is counted before somebody answered, or not after")
		}
		if w.Find(all[1].ID).Drill.Over {
			t.Error("the other was not asked for itself")
		}
		after(7 * time.Minute)
		w.results(all[1].ID)
		if d := w.Find(all[1].ID).Drill; d.Failed != "nobody acknowledged within 10 min" || d.Passed() {
			t.Errorf("drill %+v", d)
		}
		if why := w.why("escalation/consent"); why != "A drill asked for an acknowledgement, and nobody acknowledged within 10 min" || w.why("slack/b") != "" {
			t.Errorf("found %v", w.found)
		}
		if n := testutil.ToFloat64(w.metrics.drills.WithLabelValues(resultFailed)); n != 1 || w.success("slack/b") != 0 {
			t.Errorf("%g drills failed, last success %g", n, w.success("slack/b"))
		}
		if err := w.Acknowledge(t.Context(), all[1].ID, "bo", 0); !errors.Is(err, watchdog.ErrNoIncident) {
			t.Errorf("too late: %v", err)
		}
	})
}

// TestKilled: wherever a process dies in a drill, the next resolves what it left.
func TestKilled(t *testing.T) {
	for _, at := range []time.Duration{0, time.Millisecond, time.Second, 5 * time.Minute} {
		bubble.Test(t, func(t *testing.T) {
			w := newWorld(t)
			id := w.begin(Ask{Human: true, Escalation: "cdp"})[0].ID
			if at > 0 {
				after(at)
			}
			left := w.disk.copy()
			after(time.Second) // what was under way arrives, and leaves no trace
			killed := w.stop
			heard, read := w.places["pagerduty/cdp"].heard(), w.places["slack/a"].heard()
			for _, name := range []string{"slack/a", "slack/b", "pagerduty/cdp", "webhook/x", "pagerduty/other"} { // the dead process reaches nobody
				live := w.places[name]
				w.places[name] = &place{shape: live.shape, said: live.said, shown: live.shown, open: live.open}
				live.set(func(p *place) { p.shown, p.open, p.said = map[string]bool{}, map[string]bool{}, nil })
			}
			w.disk = left
			killed()
			w.start()
			defer w.stop()
			after(time.Minute)
			w.results(id)
			if d := w.Find(id).Drill; d.CutShort != cutByCrash || d.Passed() || w.why("pagerduty/cdp") != "-" {
				t.Errorf("killed after %s: drill %+v, found %v", at, d, w.found)
			}
			w.nothingOpen()
			if got := w.places["pagerduty/cdp"].heard(); got != heard+" p1/resolve" {
				t.Errorf("killed after %s: PagerDuty heard %q, then %q", at, heard, got)
			}
			if got := w.places["slack/a"].heard(); got == read {
				t.Errorf("killed after %s: Slack heard %q and not that it is over", at, got)
			}
			if got := w.success("slack/a"); got != 0 {
				t.Errorf("killed after %s: a success at %g", at, got)
			}
			w.begin(Ask{}) // the next is not held up
			after(time.Minute)
			if w.success("slack/a") == 0 {
				t.Errorf("killed after %s: the next drill did not pass", at)
			}
		})
	}
}

// TestStopped: a stop resolves a drill at once, and what past drills found is known
// after a restart.
func TestStopped(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.places["slack/b"].set(func(p *place) { p.refuses = "HTTP 401" })
		w.places["pagerduty/cdp"].set(func(p *place) { p.swallows = true })
		w.begin(Ask{})
		after(3 * time.Minute)
		w.places["pagerduty/cdp"].set(func(p *place) { p.swallows = false })
		seen := w.success("slack/a")
		id := w.begin(Ask{Human: true, Escalation: "cdp"})[0].ID
		after(time.Minute)
		w.stop()
		w.nothingOpen()
		w.results(id)
		if d := w.Find(id).Drill; d.CutShort != cutByStop {
			t.Errorf("drill %+v", d)
		}
		heard := w.places["slack/a"].heard()
		w.start()
		defer w.stop()
		after(time.Hour)
		if got := w.success("slack/a"); got != seen || w.success("pagerduty/cdp") != 0 {
			t.Errorf("last success %g, was %g", got, seen)
		}
		// Whether what was refused is mended, whoever watches the notifiers knows.
		if why := w.why("pagerduty/cdp"); why == "" || why == "-" || w.why("slack/a") != "" || w.why("slack/b") != "-" {
			t.Errorf("found %v", w.found)
		}
		if got := w.places["slack/a"].heard(); got != heard {
			t.Errorf("slack/a heard %q again after %q", got, heard)
		}
	})
}
