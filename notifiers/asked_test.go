package notifiers_test

import (
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// TestWhyCountsFromTheAcknowledgementsEnd pages after an acknowledgement ended:
// somebody had acknowledged, so the time since the opening would be untrue.
func TestWhyCountsFromTheAcknowledgementsEnd(t *testing.T) {
	slack := []rules.Target{{Kind: "slack", Name: "a"}}
	inc := notifiertest.Open().Incident
	opened := inc.Opened
	inc.Pages, inc.Events = nil, nil
	page := func(after time.Duration, why watchdog.Reason) string {
		p := watchdog.Page{N: len(inc.Pages) + 1, At: opened.Add(after), Reason: why, Targets: slack}
		inc.Pages = append(inc.Pages, p)
		inc.Events = append(inc.Events, watchdog.Event{At: p.At, Kind: watchdog.EventPaged, Page: p.N})
		return notifiers.Why(inc, &p)
	}
	happened := func(kind watchdog.EventKind) { inc.Events = append(inc.Events, watchdog.Event{Kind: kind}) }
	page(0, watchdog.ReasonOpened)
	for _, step := range []struct {
		before watchdog.EventKind
		after  time.Duration
		why    watchdog.Reason
		want   string
	}{
		{"", 5 * time.Minute, watchdog.ReasonStep, "nobody acknowledged for 5 min."},
		{watchdog.EventAcknowledged, time.Hour, watchdog.ReasonLossBegun, "data is being lost now. No acknowledgement holds it back."},
		{"", 4 * time.Hour, watchdog.ReasonAckExpired, "the acknowledgement ended, and it is still silent."},
		{"", 4*time.Hour + 20*time.Minute, watchdog.ReasonStep, "nobody acknowledged for 20 min."},
		{watchdog.EventHeld, 6 * time.Hour, watchdog.ReasonHoldEnded, "nothing holds it back any more, and it is still silent."},
		{"", 7 * time.Hour, watchdog.ReasonRepeat, "still nobody acknowledged, after 1 h."},
	} {
		if step.before != "" {
			happened(step.before)
		}
		if got := page(step.after, step.why); got != step.want {
			t.Errorf("%s after %s: %q, want %q", step.why, step.after, got, step.want)
		}
	}
}

// TestWhyCountsFromTheFirstPage is an opening that was noticed late, after a restart.
func TestWhyCountsFromTheFirstPage(t *testing.T) {
	inc := notifiertest.Open().Incident
	late := inc.Opened.Add(3 * time.Minute)
	inc.Pages[0].At = late
	inc.Events[1].At = late
	step := watchdog.Page{N: 2, At: late.Add(2 * time.Minute), Reason: watchdog.ReasonStep, Targets: inc.Pages[0].Targets}
	inc.Pages = append(inc.Pages, step)
	inc.Events = append(inc.Events, watchdog.Event{At: step.At, Kind: watchdog.EventPaged, Page: 2})
	if got, want := notifiers.Why(inc, &step), "nobody acknowledged for 2 min."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWhoFellSilentLater is an outage that grew, in hindsight: not all of its
// clients were silent from its beginning.
func TestWhoFellSilentLater(t *testing.T) {
	inc := notifiertest.Grown().Incident
	inc.State, inc.Loss.FirstAgain = watchdog.StateRecovering, notifiertest.At("2025-11-24 01:00")
	want := "No update from 24 Nov 00:00 to 01:00 UTC: silent 1 h, the last to fall silent 34 min."
	if got := notifiers.Facts(inc, inc.Loss.FirstAgain.Time())[0].Text.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestHoursInWhichSilenceCounts are those of the rule: without them 14 hours of
// silence are no reason to wonder about a rule that allows 5 minutes.
func TestHoursInWhichSilenceCounts(t *testing.T) {
	inc := notifiertest.Open().Incident
	inc.Hours = "mon-fri 08:00-18:00 Europe/Oslo"
	want := "No update since 24 Nov 00:00 UTC (14 h). The rule whole-feed allows 5 min of its hours, mon-fri 08:00-18:00 Europe/Oslo."
	if got := notifiers.Facts(inc, inc.Since.Add(14*time.Hour).Time())[0].Text.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	inc.Since, inc.Expected = 0, notifiertest.At("2025-11-23 20:00")
	want = "No update has been seen yet; expected since 23 Nov 20:00 UTC (18 h). The rule whole-feed allows 5 min of its hours, mon-fri 08:00-18:00 Europe/Oslo."
	if got := notifiers.Facts(inc, inc.Expected.Add(18*time.Hour).Time())[0].Text.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestOneSecondIsNoRange is an ETA so near that both its ends are one second.
func TestOneSecondIsNoRange(t *testing.T) {
	inc := notifiertest.CatchingUp().Incident
	inc.Allowed = 5 * time.Second
	for width, want := range map[time.Duration]string{
		400 * time.Millisecond: "Catching up, current again at about 00:30:00 UTC. Not resolved yet.",
		3 * time.Second:        "Catching up, current again between 00:30:00 and 00:30:03 UTC. Not resolved yet.",
	} {
		at := inc.Opened.Add(20 * time.Minute)
		from := inc.Opened.Add(25 * time.Minute)
		e := watchdog.Event{Kind: watchdog.EventCatchUp, At: at, From: from, Until: from.Add(width)}
		if got := notifiers.EventText(inc, &e)[0].String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSeveralSourcesAndStragglers are counts of one and of more.
func TestSeveralSourcesAndStragglers(t *testing.T) {
	inc := notifiertest.Blind().Incident
	inc.Source = "prom-eu, prom-us"
	if got, want := notifiers.Headline(inc), "Cannot see external-profiles: sources prom-eu, prom-us do not answer"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for n, want := range map[int]string{
		1: "All but 1 client are current again; that one goes on as an incident of its own.",
		3: "All but 3 clients are current again; they go on as an incident of their own.",
	} {
		if got := notifiers.EventText(inc, &watchdog.Event{Kind: watchdog.EventSplit, Was: n})[0].String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
