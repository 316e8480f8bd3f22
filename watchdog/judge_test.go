package watchdog

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// ruleFrom is the first client rule of a feed with that rule line.
func ruleFrom(t *testing.T, line string) *rules.Rule {
	t.Helper()
	set := parse(t, "feeds:\n  - name: f\n    escalation: on-call\n    rules:\n      - {name: r, "+line+"}\n"+noLoss)
	return set.Feeds()[0].ClientRules()[0]
}

func TestJudge(t *testing.T) {
	at := func(d time.Duration) feed.Instant { return noon.Add(d) }
	const (
		age     = "stale_after: 10m, warn_after: 4m"
		nightly = `expect: {cron: "0 6 * * *", timezone: UTC, grace: 45m}`
	)
	behind := &track{seen: noon, held: FallingBehind, windows: []window{{begin: noon, low: noon - 1, worst: time.Hour}}}
	unmeasured := &track{seen: noon, windows: []window{{begin: noon, low: noon - 1, worst: time.Hour}}}
	draining := &track{seen: noon, held: CatchingUp, windows: []window{{begin: noon, low: noon - 1, worst: time.Hour}}}
	frozen := &track{seen: noon, still: noon.Add(-time.Hour), repeats: 3}
	for _, c := range []struct {
		name, rule              string
		arrival, horizon, grace feed.Instant
		track                   *track
		want                    Verdict
		due                     feed.Instant
	}{
		{"fresh", age, noon, at(time.Minute), 0, nil, Fresh, at(4 * time.Minute)},
		{"one ms before late", age, noon, at(4*time.Minute) - 1, 0, nil, Fresh, at(4 * time.Minute)},
		{"late", age, noon, at(4 * time.Minute), 0, nil, Late, at(10 * time.Minute)},
		{"one ms before the deadline", age, noon, at(10*time.Minute) - 1, 0, nil, Late, at(10 * time.Minute)},
		{"the deadline itself", age, noon, at(10 * time.Minute), 0, nil, Stale, never},
		{"never seen, inside", age, -noon, at(9 * time.Minute), 0, nil, Pending, at(10 * time.Minute)},
		{"never seen, past", age, -noon, at(10 * time.Minute), 0, nil, Stale, never},
		{"in grace", age, noon, at(20 * time.Minute), at(25 * time.Minute), nil, Blind, at(25 * time.Minute)},
		{"grace is over", age, noon, at(25 * time.Minute), at(25 * time.Minute), nil, Stale, never},
		{"grace before the deadline changes nothing", age, noon, at(time.Minute), at(5 * time.Minute), nil, Fresh, at(4 * time.Minute)},
		{"falling behind", age, noon, at(time.Minute), 0, behind, FallingBehind, at(10 * time.Minute)},
		{"catching up", age, noon, at(time.Minute), 0, draining, CatchingUp, at(10 * time.Minute)},
		{"behind, not measured", age, noon, at(time.Minute), 0, unmeasured, Late, at(10 * time.Minute)},
		{"frozen", age, noon, at(time.Minute), 0, frozen, Frozen, at(10 * time.Minute)},
		{"silence outranks frozen", age, noon, at(10 * time.Minute), 0, frozen, Stale, never},
		{"cron: the run was met", nightly, at(6*time.Hour + 5*time.Minute), at(12 * time.Hour), 0, nil, Fresh, at(30*time.Hour + 45*time.Minute)},
		{"cron: early counts for the run", nightly, at(5*time.Hour + time.Minute), at(12 * time.Hour), 0, nil, Fresh, at(30*time.Hour + 45*time.Minute)},
		{"cron: too early does not", nightly, at(4*time.Hour + 59*time.Minute), at(6*time.Hour + 45*time.Minute), 0, nil, Stale, never},
		{"cron: within its grace", nightly, at(-18 * time.Hour), at(6*time.Hour + 44*time.Minute), 0, nil, Fresh, at(6*time.Hour + 45*time.Minute)},
		{"cron: past its grace", nightly, at(-18 * time.Hour), at(6*time.Hour + 45*time.Minute), 0, nil, Stale, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, due := judge(facts{rule: ruleFrom(t, c.rule), arrival: c.arrival, horizon: c.horizon, grace: c.grace, track: c.track})
			if got != c.want || due != c.due {
				t.Errorf("judged %s until %s, want %s until %s", got, due, c.want, c.due)
			}
		})
	}
}

func TestGraceIsGivenOnceForEachDeadline(t *testing.T) {
	rule := ruleFrom(t, "stale_after: 10m")
	short := ruleFrom(t, "stale_after: 1m")
	at := func(d time.Duration) feed.Instant { return noon.Add(d) }
	m := &Machine{restarts: []Restart{
		{At: at(-time.Hour), Through: at(-time.Hour)},
		{At: at(20 * time.Minute), Through: at(5 * time.Minute)},
		{At: at(24 * time.Minute), Through: at(24 * time.Minute)},
	}}
	for _, c := range []struct {
		name string
		rule *rules.Rule
		last feed.Instant
		want feed.Instant
	}{
		{"from the first restart after the arrival", rule, noon, at(25 * time.Minute)},
		{"at most stale_after", short, at(270 * time.Second), at(21 * time.Minute)},
		{"none where the silence was seen before", short, at(4 * time.Minute), 0},
		{"none without a restart since", rule, at(30 * time.Minute), 0},
	} {
		if got := m.grace(c.rule, c.last, 0); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestGrew(t *testing.T) {
	for _, c := range []struct {
		was, is, all int
		want         bool
	}{
		{10, 10, 100, false},
		{10, 9, 100, false},
		{10, 19, 100, false},   // not x2
		{10, 20, 100, true},    // x2 and 10 %
		{1, 4, 100, false},     // x4 but 3 %
		{1, 6, 100, true},      // 5 %
		{45, 50, 100, true},    // to half
		{50, 60, 100, false},   // was half
		{90, 100, 100, true},   // to all
		{100, 100, 100, false}, // was all
		{0, 1, 1, true},
	} {
		if got := (share{c.was, c.all}).grewTo(share{c.is, c.all}); got != c.want {
			t.Errorf("grew from %d to %d of %d: %v", c.was, c.is, c.all, got)
		}
	}
	if (share{3, 3}).grewTo(share{4, 4}) {
		t.Error("all were silent, all are: a new client among them is no growth")
	}
}

// trackOf runs arrivals, one a minute with the given event ages, through a track.
func trackOf(t *testing.T, lagOver time.Duration, resumed bool, lags ...time.Duration) (*track, feed.Instant) {
	r := ruleFrom(t, "stale_after: "+rules.FormatDuration(lagOver))
	var tr *track
	var before, highest, arrival feed.Instant
	for i, lag := range lags {
		arrival = noon.Add(time.Duration(i) * time.Minute)
		event := arrival.Add(-lag)
		tr = tr.beat(arrival, event, before, highest, highest, r, resumed)
		before, highest = arrival, max(highest, event)
	}
	return tr, arrival
}

// slope is n event ages that begin at from and grow by step.
func slope(n int, from, step time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = from + time.Duration(i)*step
	}
	return all
}

func TestTrack(t *testing.T) {
	const lagOver = 8 * time.Minute // windows of two minutes
	one := func(lags []time.Duration, at int, lag time.Duration) []time.Duration {
		lags[at] = lag
		return lags
	}
	for _, c := range []struct {
		name    string
		resumed bool
		lags    []time.Duration
		want    string
	}{
		{"current needs no track", false, slope(20, time.Minute, 0), "none"},
		{"at the bound is current", false, slope(20, lagOver, 0), "none"},
		{"behind, not measured yet", false, slope(2, 9*time.Minute, 0), "late"},
		{"half speed", false, slope(20, 9*time.Minute, 30*time.Second), "falling_behind"},
		{"stands still behind", false, slope(20, 9*time.Minute, time.Minute), "frozen"},
		{"as fast as time, never caught up", false, slope(20, 9*time.Minute, 0), "falling_behind"},
		{"as fast as time after a silence", true, slope(20, 9*time.Minute, 0), "catching_up"},
		{"0.96 after a silence keeps the former", true, slope(20, 90*time.Minute, 2400*time.Millisecond), "catching_up"},
		{"0.94 after a silence", true, slope(20, 90*time.Minute, 3600*time.Millisecond), "falling_behind"},
		{"1.04 keeps the former", false, slope(20, 90*time.Minute, -2400*time.Millisecond), "falling_behind"},
		{"1.06 catches up", false, slope(20, 90*time.Minute, -3600*time.Millisecond), "catching_up"},
		{"one live update amid a backlog", false, one(slope(20, 90*time.Minute, -time.Minute), 19, 0), "catching_up"},
		{"a fast replay is no progress", false, append(slope(20, time.Minute, 0), slope(20, 90*time.Minute, -time.Minute)...), "frozen"},
		{"a rewind is no progress", false, append(slope(3, time.Minute, 0), slope(10, 3*time.Minute, time.Minute)...), "frozen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, _ := trackOf(t, lagOver, c.resumed, c.lags...)
			got := "none"
			if v, ok := tr.verdict(ruleFrom(t, "stale_after: 8m")); ok {
				got = v.String()
			}
			if got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, tr)
			}
		})
	}
}

func TestFrozenNeedsThreeArrivalsAndItsTime(t *testing.T) {
	const lagOver = 2 * time.Minute
	for n := 1; n <= 6; n++ {
		tr, _ := trackOf(t, lagOver, false, slope(n, 0, time.Minute)...)
		v, _ := tr.verdict(ruleFrom(t, "stale_after: 2m"))
		if want := n >= 4; (v == Frozen) != want {
			t.Errorf("after %d arrivals of the same event time: %s", n, v)
		}
	}
	tr, _ := trackOf(t, time.Hour, false, slope(30, 0, time.Minute)...)
	if v, _ := tr.verdict(ruleFrom(t, "stale_after: 1h")); v == Frozen {
		t.Error("frozen before lag_over has passed")
	}
}

func TestATrackEndsOnceCurrent(t *testing.T) {
	lags := append(slope(10, 30*time.Minute, -3*time.Minute), slope(8, time.Minute, 0)...)
	if tr, _ := trackOf(t, 8*time.Minute, true, lags...); tr != nil {
		t.Errorf("still followed: %+v", tr)
	}
}

func TestVerdictNamesReadBack(t *testing.T) {
	for _, v := range Verdicts() {
		if got, ok := ParseVerdict(v.String()); !ok || got != v {
			t.Errorf("%s reads back as %s, %v", v, got, ok)
		}
		if strings.TrimSpace(v.String()) == "" {
			t.Errorf("verdict %d has no name", v)
		}
	}
	if _, ok := ParseVerdict("healthy"); ok {
		t.Error("an unknown word is a verdict")
	}
}
