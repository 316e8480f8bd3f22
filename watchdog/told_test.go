package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const fourHours = `
feeds:
  - name: f
    retention: 4h
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 10m, lag_over: 1h}
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - after: 5m
        notify: [pagerduty/cdp]
      - before_loss: 1h
        notify: [pagerduty/infra]
`

func (r *rig) made(n int, event feed.Instant) {
	var all []feed.Heartbeat
	for k := range n {
		b := beatOf(fmt.Sprintf("a%d", k), r.now)
		b.Event = event
		all = append(all, b)
	}
	r.hear(feed.Push, all...)
}

// A feeder that is back and begins at its last checkpoint, before what it had
// delivered (at least once), is called frozen at its third arrival: "Silent
// again", everybody is paged anew, and the incident's since is that of the return.
func TestAReplayFromACheckpointIsNoNewSilence(t *testing.T) {
	r := newRig(t, fourHours)
	for i := range 60 {
		r.to(time.Duration(i) * time.Minute)
		r.made(4, r.now)
	}
	r.to(4*time.Hour + 10*time.Minute)
	before := len(pages(r.only()))
	start, event := r.now, noon.Add(20*time.Minute) // 39 minutes before the last that was delivered
	for i := range 600 {
		r.now = start.Add(time.Duration(i) * 30 * time.Second)
		event = min(event.Add(5*time.Minute), r.now)
		r.made(4, event)
	}
	for _, inc := range r.seen {
		if got := pages(inc); len(got) != before {
			t.Errorf("paged while the feeder replays: %q", got[before:])
		}
		if inc.Since != noon.Add(59*time.Minute) {
			t.Errorf("since %s, want that of the last update before the silence", inc.Since)
		}
	}
	if again := r.happened(EventStaleAgain); len(again) != 0 {
		t.Errorf("silent again: %q", again)
	}
}

// An incident that opens with its loss begun pages three times in one instant,
// none of them says "it is silent", and one "nobody acknowledged for 0 s".
func TestAnOpeningAfterLossBegunIsOnePage(t *testing.T) {
	r := newRig(t, strings.NewReplacer("retention: 4h", "retention: 1h", "stale_after: 10m, lag_over: 1h", "stale_after: 2h", "before_loss: 1h", "before_loss: 30m").Replace(fourHours))
	r.beat("a", 3)
	r.to(121 * time.Minute)
	if got := pages(r.only()); len(got) != 1 {
		t.Errorf("pages %q, want one", got)
	}
}

// A client that never came and leaves the roster is paged for for ever: a row in
// an incident is not retired, though no other of its incident is in trouble.
func TestWhoLeavesTheRosterEndsItsOwnIncident(t *testing.T) {
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprintf("a%d", i+1))
	}
	y := func(more ...string) string {
		return strings.Replace(plain, "    rules:", "    roster: ["+strings.Join(append(slices.Clone(names), more...), ", ")+"]\n    rules:", 1)
	}
	r := newRig(t, y("ghost"))
	for i := range 75 {
		r.to(time.Duration(i) * time.Minute)
		r.beat("a", 12)
		if i == 13 {
			r.only()
			r.step(&UseRules{Set: parse(t, y())})
		}
	}
	if all := r.open(); len(all) != 0 {
		t.Errorf("an hour after it left: %v, pages %q", scopesOf(all), pages(all[0]))
	}
}

// All 12 are silent, half is back after an hour, half after five: the incident
// ends as one of 6 clients, silent for the first half's hour.
func TestAPartialReturnShrinksNeitherExtentNorLength(t *testing.T) {
	r := newRig(t, fourHours)
	for i := range 59 {
		r.to(time.Duration(i) * time.Minute)
		r.beat("a", 6, "cluster", "x")
		r.beat("b", 6, "cluster", "y")
	}
	r.to(2 * time.Hour)
	for i := range 300 {
		r.to(2*time.Hour + time.Duration(i)*time.Minute)
		r.beat("a", 6, "cluster", "x")
		if i > 240 {
			r.beat("b", 6, "cluster", "y")
		}
	}
	for _, inc := range r.seen {
		if inc.Worst.Silent != 12 {
			t.Errorf("at its worst %s %d of %d, want all 12", inc.Worst, inc.Worst.Silent, inc.Worst.Of)
		}
		if inc.Calm != noon.Add(6*time.Hour+time.Minute) {
			t.Errorf("told as silent until %s, and half of it was until %s", inc.Calm, noon.Add(6*time.Hour+time.Minute))
		}
	}
}

// Clients that are silent already, and then their source does not answer: a
// second incident about the same clients pages, and climbs a ladder of its own.
func TestSilentClientsOfADeafSourceArePagedForOnce(t *testing.T) {
	r := newRig(t, plain, feed.Source{Name: "p1", LagMax: 2 * time.Minute}, feed.Source{Name: "p2", LagMax: 2 * time.Minute})
	say := func(n int, known, beat bool) {
		rep := feed.Report{Source: r.m.cfg.Sources[n], KnownThrough: r.now}
		if !known {
			rep.KnownThrough, rep.Failure = 0, "500"
		}
		for i := range 5 {
			if beat {
				rep.Heartbeats = append(rep.Heartbeats, beatOf(fmt.Sprintf("s%d-%d", n, i), r.now))
			}
		}
		r.step(&Heard{Report: rep})
	}
	for i := range 240 {
		r.now = noon.Add(time.Duration(i) * 30 * time.Second)
		say(0, i < 100, i < 20)
		say(1, true, true)
	}
	if all := r.open(); len(all) != 1 {
		t.Errorf("%d incidents about the same five clients: %v", len(all), scopesOf(all))
	}
}

// A step of the ladder and the begin of loss at one instant ring a destination twice.
func TestLossAndAStepAtOneInstantRingOnce(t *testing.T) {
	r := newRig(t, strings.NewReplacer("after: 5m", "after: 230m", "before_loss: 1h", "before_loss: 10m").Replace(fourHours))
	r.beat("a", 3)
	r.to(4*time.Hour + time.Minute)
	if got := pages(r.only()); len(got) != 3 {
		t.Errorf("pages %q", got)
	}
}
