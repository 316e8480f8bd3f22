package drill

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

func appointment(t *testing.T, cron, zone string, ask Ask) Appointment {
	t.Helper()
	when, err := rules.ParseSchedule(cron, zone)
	if err != nil {
		t.Fatal(err)
	}
	ask.By = "the schedule"
	return Appointment{When: when, Ask: ask}
}

// TestSchedule: one drill at each time by the wall clock of the timezone; where
// that skips the hour, at the end of the gap; where it has the hour twice, once.
func TestSchedule(t *testing.T) {
	for day, want := range map[string]string{"26 3": "26 Mar 01:00", "29 10": "29 Oct 00:30", "1 7": "1 Jul 00:30"} {
		bubble.Test(t, func(t *testing.T) {
			eve, err := time.Parse("2006 2 1", "2000 "+day)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorldAt(t, eve.Add(-24*time.Hour), appointment(t, "30 2 "+day+" *", "Europe/Oslo", Ask{Escalation: "cdp"}))
			defer w.stop()
			after(5 * 24 * time.Hour)
			var got []string
			for _, inc := range w.disk.all() {
				w.results(inc.ID)
				got = append(got, inc.Opened.Time().Format("2 Jan 15:04")+" by "+inc.Drill.By)
			}
			if strings.Join(got, ", ") != want+" by the schedule" || len(w.Trouble()) > 0 {
				t.Errorf("drills %q, trouble %q, want one at %s", got, w.Trouble(), want)
			}
		})
	}
}

// TestScheduleThatCannotBegin: one that falls into another waits for its end, and
// one that is of no escalation says so.
func TestScheduleThatCannotBegin(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		w := newWorld(t,
			appointment(t, "0 10 * * *", "UTC", Ask{Escalation: "cdp"}),
			appointment(t, "0 12 * * *", "UTC", Ask{Escalation: "gone"}))
		defer w.stop()
		after(9*time.Hour + 50*time.Minute)
		human := w.begin(Ask{Human: true, Escalation: "cdp"})[0] // until 10:05
		after(40 * time.Minute)
		all := w.disk.all()
		if len(all) != 2 || all[1].Opened < human.Drill.Until || len(w.Trouble()) > 0 {
			t.Fatalf("%d drills, trouble %v", len(all), w.Trouble())
		}
		after(2 * time.Hour)
		trouble := strings.Join(w.Trouble(), "; ")
		if !strings.Contains(trouble, "the drill that was due 1 Jan 12:00 UTC could not begin") || !strings.Contains(trouble, `"gone"; the rules have cdp, consent`) {
			t.Errorf("trouble %q", trouble)
		}
		if n := testutil.ToFloat64(w.metrics.drills.WithLabelValues(resultNotBegun)); n != 1 {
			t.Errorf("%g not begun", n)
		}
	})
}
