package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// trickleRules want ten updates in each 40 minutes; a bucket has five.
const trickleRules = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clients, stale_after: 20m, min_updates: {count: 10, per: 40m}}
` + onCall

// every lets a1 ... aN bring an update each step, from where the rig is until then.
func (r *rig) every(step, until time.Duration, n int) {
	r.t.Helper()
	for r.now.Sub(noon) < until {
		r.beat("a", n)
		r.to(min(until, r.now.Sub(noon)+step))
		checkInvariants(r.t, r.m)
	}
}

func TestATricklePagesAsOfTheEndOfItsWindow(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(2*time.Minute, 2*time.Hour, 3)
	if len(r.open()) > 0 {
		t.Fatalf("20 in 40 minutes open %v", scopesOf(r.open()))
	}
	r.every(10*time.Minute, 4*time.Hour, 3) // until 1h58m one in two minutes came
	inc := r.only()
	// In the 40 minutes until 2h30m come eight, but in the last five of them none.
	if inc.Cause != CauseTrickling || inc.Opened != noon.Add(155*time.Minute) || inc.Allowed != 40*time.Minute || inc.Scope.Silent != 3 {
		t.Errorf("%s opened at %s for %d, allowed %s", inc.Cause, inc.Opened.Sub(noon), inc.Scope.Silent, inc.Allowed)
	}
	want := Trickle{Row: "a1", Came: 6, AtLeast: 10, Per: 40 * time.Minute, From: noon.Add(115 * time.Minute)}
	if inc.Trickle == nil || *inc.Trickle != want {
		t.Errorf("measured %+v, want %+v", inc.Trickle, want)
	}
	if got := pages(inc)[:2]; !slices.Equal(got, []string{"2h35m0s opened", "2h40m0s not_acknowledged"}) || !inc.Loss.Begins.IsZero() {
		t.Errorf("paged %v, loss begins %s", got, inc.Loss.Begins)
	}
	r.every(2*time.Minute, 5*time.Hour, 3)
	if len(r.open()) > 0 || r.verdict("a1") != Fresh {
		t.Errorf("a1 is %s, open are %v", r.verdict("a1"), scopesOf(r.open()))
	}
}

// What stops is silent and no trickle, and when it comes again that is no trickle either.
func TestSilenceIsNoTrickle(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(2*time.Minute, 2*time.Hour, 1)
	r.to(3 * time.Hour)
	if inc := r.only(); inc.Cause != CauseSilent {
		t.Fatalf("it opened as %s", inc.Cause)
	}
	r.every(2*time.Minute, 5*time.Hour, 1)
	if len(r.open()) > 0 || len(r.seen) != 1 {
		t.Errorf("open are %v, of %d", scopesOf(r.open()), len(r.seen))
	}
}

// A trickle that stops is one trouble still. From then on its loss has a clock.
func TestATrickleThatStops(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(10*time.Minute, 2*time.Hour, 1)
	first := r.only()
	r.to(3 * time.Hour)
	inc, last := r.only(), noon.Add(110*time.Minute)
	if inc.ID != first.ID || inc.Cause != CauseTrickling || r.verdict("a1") != Stale {
		t.Fatalf("a1 is %s, in %s", r.verdict("a1"), inc.Cause)
	}
	if inc.Loss.Begins != last.Add(7*24*time.Hour) || inc.Loss.Start != last {
		t.Errorf("loss begins %s, from %s", inc.Loss.Begins, inc.Loss.Start)
	}
	r.to(6 * 24 * time.Hour)
	if inc = r.only(); !inc.Pages[len(inc.Pages)-1].Loss() && !slices.ContainsFunc(inc.Pages, func(p Page) bool { return p.Loss() }) {
		t.Errorf("nobody was told that the loss is near: %v", pages(inc))
	}
	r.to(9 * 24 * time.Hour)
	r.beat("a", 1) // one update is no recovery, and tells what was lost
	r.to(r.now.Sub(noon) + 10*time.Minute)
	inc = r.only()
	if inc.ID != first.ID || r.verdict("a1") != Trickling || !inc.Loss.Begins.IsZero() {
		t.Errorf("a1 is %s, loss begins %s", r.verdict("a1"), inc.Loss.Begins)
	}
	rows := r.rows(map[string]LedgerRow{})
	if row := rows["a1"]; row.From != last || row.To != noon.Add(2*24*time.Hour) {
		t.Errorf("lost %+v", row)
	}
}

// What comes too seldom for longer than the queue keeps it is at risk, all of it.
func TestALongTrickleIsAtRisk(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(15*time.Minute, 8*24*time.Hour, 2)
	inc := r.only()
	if !inc.Loss.Begins.IsZero() || len(inc.Pages) == 0 || slices.ContainsFunc(inc.Pages, func(p Page) bool { return p.Loss() }) {
		t.Errorf("loss begins %s, paged %v", inc.Loss.Begins, pages(inc))
	}
	r.every(time.Minute, 8*24*time.Hour+time.Hour, 2)
	inc = r.seen[inc.ID]
	if inc.State != StateResolved {
		t.Fatalf("it is %s", inc.State)
	}
	from, to := noon.Add(10*time.Minute), inc.WellSince.Add(-7*24*time.Hour)
	if l := inc.Loss; l.LostFrom != from || l.LostTo != to || !l.AtRisk || l.Clients != 2 {
		t.Errorf("lost %s to %s, at risk %t, %d clients; want %s to %s", l.LostFrom, l.LostTo, l.AtRisk, l.Clients, from, to)
	}
	rows := r.rows(map[string]LedgerRow{})
	if row := rows["a2"]; len(rows) != 2 || row.From != from || row.To != to || !row.AtRisk || row.Updates != -1 {
		t.Errorf("the ledger has %+v", rows)
	}
}

// A new client is not judged before it could bring enough, nor one whose rule asks for
// it since a moment ago.
func TestOnlyAWholeWindowIsJudged(t *testing.T) {
	r := newRig(t, plain)
	r.every(10*time.Minute-time.Second, 2*time.Hour, 1)
	r.step(&UseRules{Set: parse(t, trickleRules)})
	r.every(10*time.Minute, 2*time.Hour+39*time.Minute, 2)
	if len(r.open()) > 0 {
		t.Fatalf("open are %v", scopesOf(r.open()))
	}
	r.every(10*time.Minute, 2*time.Hour+51*time.Minute, 2)
	if inc := r.only(); inc.Cause != CauseTrickling || inc.Opened != noon.Add(160*time.Minute) || inc.Scope.Silent != 2 {
		t.Errorf("%s opened at %s for %d", inc.Cause, inc.Opened.Sub(noon), inc.Scope.Silent)
	}
}

// The time in which we were down is asked for nothing, and counted for nothing.
func TestARestartIsNoTrickle(t *testing.T) {
	for _, down := range []time.Duration{time.Minute, 11 * time.Minute, 19 * time.Minute, 3 * time.Hour} {
		r := newRig(t, trickleRules)
		r.every(3*time.Minute+20*time.Second, 2*time.Hour, 3) // 12 in 40 minutes
		at := r.now.Sub(noon) + down
		r.restartAfter(trickleRules, down)
		r.every(3*time.Minute+20*time.Second, at+2*time.Hour, 3)
		for _, inc := range r.seen {
			if inc.Cause == CauseTrickling {
				t.Errorf("down for %s: a trickle opened at %s", down, inc.Opened.Sub(noon))
			}
		}
	}
}

// A trickle goes on after a restart, under its id, and pages nobody again; what it was
// asked for is counted on.
func TestATrickleOutlivesARestart(t *testing.T) {
	for _, down := range []time.Duration{time.Minute, 18 * time.Minute, 3 * time.Hour} {
		r := newRig(t, trickleRules)
		r.every(10*time.Minute, 2*time.Hour, 3)
		first := r.only()
		r.restartAfter(trickleRules, down)
		r.every(10*time.Minute, r.now.Sub(noon)+2*time.Hour, 3)
		inc := r.only()
		opened := 0
		for _, p := range inc.Pages {
			if p.Reason == ReasonOpened || p.Reason == ReasonGrew {
				opened++
			}
		}
		if inc.ID != first.ID || inc.Trickle == nil || *inc.Trickle != *first.Trickle || opened != 1 {
			t.Errorf("down for %s: %s after %s, measured %+v, pages %v", down, inc.ID, first.ID, inc.Trickle, pages(inc))
		}
		r.every(2*time.Minute, r.now.Sub(noon)+time.Hour, 3)
		if len(r.open()) > 0 {
			t.Errorf("down for %s: open are %v", down, scopesOf(r.open()))
		}
	}
}

// Restarts again and again, more often than a window is long, hide no trickle.
func TestCrashLoopsHideNoTrickle(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(2*time.Minute, time.Hour, 1)
	for range 12 {
		r.restartAfter(trickleRules, time.Minute)
		r.every(9*time.Minute, r.now.Sub(noon)+9*time.Minute, 1)
	}
	if inc := r.only(); inc.Cause != CauseTrickling {
		t.Errorf("it is %s", inc.Cause)
	}
}

// A backlog counts when it arrives, whenever it was made, and so does what is told late.
func TestABacklogCounts(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(10*time.Minute, 2*time.Hour, 1)
	beat := beatOf("a1", r.now)
	beat.Count = 100
	r.hear(feed.Push, beat)
	if v := r.verdict("a1"); v != Fresh {
		t.Errorf("with 100 at once it is %s", v)
	}
	r.every(10*time.Minute, 2*time.Hour+40*time.Minute, 1)
	for i := range 10 {
		r.hear(feed.Push, beatOf("a1", r.now.Add(-time.Duration(i+1)*time.Minute)))
	}
	r.every(10*time.Minute, 3*time.Hour+10*time.Minute, 1)
	if len(r.open()) > 0 {
		t.Errorf("open are %v", scopesOf(r.open()))
	}
}

// A heartbeat without an update keeps silence away, not a trickle.
func TestIdleHeartbeatsAreNoUpdates(t *testing.T) {
	r := newRig(t, strings.Replace(trickleRules, "min_updates", "idle_ok: true, min_updates", 1))
	for r.now < noon.Add(2*time.Hour) {
		beat := beatOf("a1", r.now)
		beat.Count = 0
		r.hear(feed.Push, beat)
		r.to(r.now.Sub(noon) + time.Minute)
	}
	if inc := r.only(); inc.Cause != CauseTrickling || inc.Trickle.Came != 0 || inc.Opened != noon.Add(40*time.Minute) {
		t.Errorf("%s opened at %s: %+v", inc.Cause, inc.Opened.Sub(noon), inc.Trickle)
	}
}

// Of a source that is read, another arrival is an update, and the same once more is none.
// While it does not answer nothing is asked for.
func TestSourcesThatAreReadCountMoves(t *testing.T) {
	r := newRig(t, trickleRules, pull)
	read := func(at feed.Instant) {
		r.step(&Heard{Report: feed.Report{Source: pull, Heartbeats: []feed.Heartbeat{beatOf("a1", at)}, KnownThrough: r.now}})
	}
	for minute := range 240 {
		r.now = noon.Add(time.Duration(minute) * time.Minute)
		switch last := r.now.Add(-time.Duration(minute%3) * time.Minute); {
		case minute < 100:
			read(last)
		case minute < 118: // it does not answer
			r.step()
		case minute < 180:
			read(last)
		default:
			read(noon.Add(time.Duration(minute/10) * 10 * time.Minute))
		}
		if minute < 180 && len(r.open()) > 0 {
			t.Fatalf("minute %d: open are %v", minute, scopesOf(r.open()))
		}
	}
	if inc := r.only(); inc.Cause != CauseTrickling {
		t.Errorf("it is %s", inc.Cause)
	}
}

// All of a group count together, and who comes and goes between.
func TestATrickleOfAGroup(t *testing.T) {
	r := newRig(t, strings.Replace(strings.Replace(trickleRules, ", min_updates: {count: 10, per: 40m}", "", 1),
		"stale_after: 6d", "stale_after: 30m, min_updates: {count: 50, per: 40m}", 1))
	for minute := range 300 {
		r.now = noon.Add(time.Duration(minute) * time.Minute)
		var all []feed.Heartbeat
		switch {
		case minute < 100:
			all = append(all, beatOf("a1", r.now), beatOf("a2", r.now))
		case minute < 200: // others take over
			all = append(all, beatOf("b1", r.now), beatOf("b2", r.now))
		default:
			all = append(all, beatOf("b1", r.now))
		}
		r.hear(feed.Push, all...)
		for _, inc := range r.open() {
			if minute < 200 && inc.Cause == CauseTrickling {
				t.Fatalf("minute %d: open are %v", minute, scopesOf(r.open()))
			}
		}
	}
	i := slices.IndexFunc(r.open(), func(inc *Incident) bool { return inc.Cause == CauseTrickling })
	if i < 0 {
		t.Fatalf("open are %v", scopesOf(r.open()))
	}
	inc := r.open()[i]
	if inc.Rule != "whole" || inc.Trickle == nil || inc.Trickle.Row != "the whole feed" || inc.Trickle.AtLeast != 50 || inc.Scope.Silent != inc.Scope.Of {
		t.Errorf("rule %s, measured %+v, for %d of %d", inc.Rule, inc.Trickle, inc.Scope.Silent, inc.Scope.Of)
	}
}

// An incident goes on under the rule as it is now.
func TestRulesThatAskForOtherCounts(t *testing.T) {
	for _, test := range []struct {
		now  string
		open bool
	}{
		{"{count: 20, per: 40m}", true},
		{"{count: 2, per: 40m}", false},
		{"{count: 30, per: 2h}", true},
		{"{count: 1, per: 2h}", false}, // after the next update
	} {
		r := newRig(t, trickleRules)
		r.every(10*time.Minute, 2*time.Hour, 1)
		first := r.only()
		r.step(&UseRules{Set: parse(t, strings.Replace(trickleRules, "{count: 10, per: 40m}", test.now, 1))})
		r.every(10*time.Minute, 5*time.Hour, 1)
		open := len(r.open()) > 0
		if open != test.open || len(r.seen) != 1 {
			t.Errorf("%s: open are %v of %d", test.now, scopesOf(r.open()), len(r.seen))
		}
		if inc := r.seen[first.ID]; open && (inc.Trickle.Came != -1 || inc.Trickle.AtLeast == 10) {
			t.Errorf("%s: measured %+v", test.now, inc.Trickle)
		}
	}
	r := newRig(t, trickleRules)
	r.every(10*time.Minute, 2*time.Hour, 1)
	r.step(&UseRules{Set: parse(t, strings.Replace(trickleRules, ", min_updates: {count: 10, per: 40m}", "", 1))})
	r.every(10*time.Minute, 3*time.Hour, 1)
	if len(r.open()) > 0 {
		t.Errorf("without min_updates open are %v", scopesOf(r.open()))
	}
}

// After a maintenance a whole window may pass first.
func TestAMaintenanceIsNoTrickle(t *testing.T) {
	r := newRig(t, trickleRules+`
maintenance:
  - {name: move, match: ['feed="f"'], from: 2025-11-24T02:00:00Z, to: 2025-11-24T03:00:00Z}
`)
	r.every(2*time.Minute, 2*time.Hour, 1)
	r.every(10*time.Minute, 3*time.Hour, 1)
	if inc := r.only(); inc.Hold == nil || inc.Hold.Until != noon.Add(3*time.Hour+40*time.Minute) || len(inc.Pages) > 0 {
		t.Fatalf("held by %+v, paged %v", inc.Hold, pages(inc))
	}
	r.every(2*time.Minute, 5*time.Hour, 1)
	for _, inc := range r.seen {
		if len(inc.Pages) > 0 || inc.State != StateResolved {
			t.Errorf("it is %s, paged %v", inc.State, pages(inc))
		}
	}
}

// With active hours a window is counted in their time, and opens nothing at night.
func TestATrickleInActiveHours(t *testing.T) {
	r := newRig(t, strings.Replace(trickleRules, "    rules:", `    active: {hours: ["01:00-03:00", "10:00-12:00"], timezone: UTC}`+"\n    rules:", 1))
	r.every(2*time.Minute, 2*time.Hour+50*time.Minute, 1)
	r.every(18*time.Minute, 10*time.Hour, 1) // nine in the last 40 minutes of hours and the pause
	if len(r.open()) > 0 {
		t.Fatalf("at night open are %v", scopesOf(r.open()))
	}
	r.every(2*time.Minute, 10*time.Hour+20*time.Minute, 1)
	if len(r.open()) > 0 {
		t.Fatalf("in the morning open are %v", scopesOf(r.open()))
	}
	r.every(18*time.Minute, 12*time.Hour, 1)
	if inc := r.only(); inc.Cause != CauseTrickling || inc.Opened < noon.Add(10*time.Hour+40*time.Minute) || inc.Opened > noon.Add(11*time.Hour+10*time.Minute) {
		t.Errorf("%s opened at %s", inc.Cause, inc.Opened.Sub(noon))
	}
}

// A clock that is set back makes no trickle of what is well, and ends none.
func TestASetBackClockCountsAnew(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(2*time.Minute, 2*time.Hour, 1)
	r.setBack(25 * time.Minute)
	r.every(2*time.Minute, 4*time.Hour, 1)
	if len(r.seen) > 0 {
		t.Fatalf("open are %v", scopesOf(r.open()))
	}
	r.every(10*time.Minute, 5*time.Hour, 1)
	r.setBack(25 * time.Minute)
	r.every(10*time.Minute, 7*time.Hour, 1)
	if inc := r.only(); inc.Cause != CauseTrickling || len(r.seen) != 1 {
		t.Errorf("it is %s, of %d", inc.Cause, len(r.seen))
	}
}

// A start with a clock that was set back goes on with a trickle, and makes none.
func TestAStartWithASetBackClockCountsAnew(t *testing.T) {
	r := newRig(t, trickleRules)
	r.every(2*time.Minute, 2*time.Hour, 1)
	r.restartAfter(trickleRules, -25*time.Minute)
	r.every(2*time.Minute, 4*time.Hour, 1)
	if len(r.seen) > 0 {
		t.Fatalf("open are %v", scopesOf(r.open()))
	}
	r.every(10*time.Minute, 5*time.Hour, 1)
	first := r.only()
	r.restartAfter(trickleRules, -25*time.Minute)
	r.every(10*time.Minute, 7*time.Hour, 1)
	if inc := r.only(); inc.Cause != CauseTrickling || inc.ID != first.ID || inc.Trickle.From != first.Trickle.From.Add(-25*time.Minute) {
		t.Errorf("it is %s, %s after %s, measured from %s after %s", inc.Cause, inc.ID, first.ID, inc.Trickle.From, first.Trickle.From)
	}
}

// restartAfter is a crash, and a start so much later with all that was saved then.
func (r *rig) restartAfter(yaml string, down time.Duration) {
	r.t.Helper()
	for _, b := range r.m.feeds["f"].blocks {
		b.marksChanged, b.namesChanged = true, true
	}
	flush := mustFlush(r)
	saved := &Saved{Blocks: flush.Blocks, Through: flush.Through, Incidents: r.m.Incidents(), Restarts: slices.Clone(r.m.restarts)}
	r.now = r.now.Add(down)
	saved.Restarts = append(saved.Restarts, Restart{At: r.now, Through: flush.Through})
	r.m = New(Config{Install: "test", Sources: r.m.cfg.Sources}, r.now, saved)
	r.step(&UseRules{Set: parse(r.t, yaml)})
}

// What is no longer kept of a window is not asked for: to count anew may find too few
// where enough had come, and nothing is said of it either way.
func TestWindowThatIsNoLongerKept(t *testing.T) {
	m, now := newPropertyMachine(t, len(propertyRules)-1), noon
	step := func(src feed.Source, beats ...feed.Heartbeat) {
		m.Step(now, &Heard{Report: feed.Report{Source: src, KnownThrough: now, Heartbeats: beats}})
		checkInvariants(t, m)
	}
	first := beatOf("a0", now, "cluster", "x")
	step(feed.Push, first, first)
	now = now.Add(400 * time.Second)
	step(pull, beatOf("a0", now), beatOf("a1", now.Add(-20*time.Minute), "cluster", "x")) // of before the active hours: it counts for their first minute
	now = now.Add(400 * time.Second)
	step(feed.Push, beatOf("a0", now)) // that minute is let go of, before the slower source has reached the window's end
}
