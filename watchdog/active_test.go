package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// office counts silence from 01:00 to 03:00, an hour after rigs begin.
const office = `
feeds:
  - name: f
    retention: 8h
    escalation: on-call
    active: {hours: "01:00-03:00", timezone: UTC}
    rules:
      - {name: whole, per: feed, stale_after: 20h}
      - {name: clients, stale_after: 10m, warn_after: 5m, lag_over: 10m}
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - {after: 30m, notify: [pagerduty/cdp], repeat: 1h}
      - {before_loss: 4h, notify: [pagerduty/infra]}
`

func TestDeadlinesStandStillOutsideOfActiveHours(t *testing.T) {
	r := newRig(t, office)
	r.beat("a", 1)
	r.to(time.Hour + 5*time.Minute - time.Second)
	if v := r.verdict("a1"); v != Fresh {
		t.Fatalf("a minute before it is late it is %s", v)
	}
	r.to(time.Hour + 9*time.Minute)
	if v := r.verdict("a1"); v != Late || len(r.open()) != 0 {
		t.Fatalf("a minute before its deadline it is %s, %d incidents are open", v, len(r.open()))
	}
	r.to(time.Hour + 11*time.Minute)
	inc := r.only()
	if want := noon.Add(time.Hour + 10*time.Minute); inc.Opened != want || inc.Since != noon || inc.Hours != "mon-sun 01:00-03:00 UTC" {
		t.Errorf("opened at %s for silence since %s, counting %q; want %s", inc.Opened, inc.Since, inc.Hours, want)
	}
	if want := noon.Add(8 * time.Hour); inc.Loss.Begins != want {
		t.Errorf("loss begins at %s, want %s", inc.Loss.Begins, want)
	}
}

// An incident that is open when the hours end goes on: its steps, its repeats,
// what is said of loss, and its end.
func TestAnOpenIncidentDoesNotWaitForActiveHours(t *testing.T) {
	r := newRig(t, office)
	r.to(2*time.Hour + 45*time.Minute)
	r.beat("a", 1)
	r.to(2*time.Hour + 56*time.Minute)
	if r.only().Opened != noon.Add(2*time.Hour+55*time.Minute) {
		t.Fatalf("opened at %s", r.only().Opened)
	}
	r.to(11 * time.Hour)
	inc := r.only()
	got := pages(inc)
	for _, want := range []string{"2h55m0s opened", "3h25m0s not_acknowledged", "4h25m0s repeat", "6h45m0s loss_near", "10h45m0s loss_begun"} {
		if !slices.Contains(got, want) {
			t.Errorf("no page %q among %q", want, got)
		}
	}
	r.beat("a", 1)
	r.to(12 * time.Hour)
	if all := r.open(); len(all) != 0 {
		t.Errorf("not resolved at night: %v", scopesOf(all))
	}
}

// fallBehind makes a1 deliver, each minute, what was made the day before, ever older.
func fallBehind(r *rig, from, to time.Duration) {
	for at := from; at < to; at += time.Minute {
		r.to(at)
		beat := beatOf("a1", r.now)
		beat.Event = noon.Add(-22*time.Hour + at/2)
		r.hear(feed.Push, beat)
	}
}

func TestWhatFallsBehindAtNightOpensInTheMorning(t *testing.T) {
	r := newRig(t, office)
	fallBehind(r, 0, 59*time.Minute)
	if v := r.verdict("a1"); v != Late || len(r.open()) != 0 {
		t.Fatalf("at night it is %s, %d incidents are open", v, len(r.open()))
	}
	r.to(time.Hour + time.Minute)
	inc := r.only()
	if inc.Cause != CauseBehind || inc.Opened.Sub(noon).Round(time.Second) != time.Hour {
		t.Errorf("%s, opened at %s, want falling behind at %s", inc.Cause, inc.Opened, noon.Add(time.Hour))
	}
	fallBehind(r, time.Hour+2*time.Minute, 5*time.Hour)
	if v, inc := r.verdict("a1"), r.only(); v != FallingBehind || inc.State != StateOpen {
		t.Errorf("after the hours it is %s, the incident %s", v, inc.State)
	}
}

// Event time that stands still at night is no news; where it still does in the
// hours, that is counted from their beginning.
func TestStandingStillCountsInActiveHours(t *testing.T) {
	r := newRig(t, office)
	same := func(from, to time.Duration) {
		for at := from; at < to; at += time.Minute {
			r.to(at)
			beat := beatOf("a1", r.now)
			beat.Event = noon
			r.hear(feed.Push, beat)
		}
	}
	same(0, time.Hour+9*time.Minute)
	if n := len(r.open()); n != 0 {
		t.Fatalf("%d incidents are open before it stood still for 10 minutes of the hours", n)
	}
	same(time.Hour+9*time.Minute, time.Hour+13*time.Minute)
	if inc := r.only(); inc.Cause == CauseSilent || inc.Opened < noon.Add(time.Hour+10*time.Minute) || inc.Opened > noon.Add(time.Hour+12*time.Minute) {
		t.Errorf("%s, opened at %s", inc.Cause, inc.Opened)
	}
}

// A feed that counts nothing at night is not blind at night: it is told in the
// morning, if nothing can be seen then.
func TestBlindnessCountsInActiveHours(t *testing.T) {
	r := newRig(t, office, pull)
	r.deaf = true
	r.hear(pull, beatOf("a1", r.now))
	r.step(&Heard{Report: feed.Report{Source: pull, KnownThrough: r.now}})
	r.to(time.Hour + 9*time.Minute)
	if n := len(r.open()); n != 0 {
		t.Fatalf("%d incidents are open before the hours were blind for as long as the rule allows", n)
	}
	r.to(time.Hour + 11*time.Minute)
	if inc := r.only(); inc.Cause != CauseBlind || inc.Opened != noon.Add(time.Hour+10*time.Minute) {
		t.Errorf("%s, opened at %s", inc.Cause, inc.Opened)
	}
}

// Who never came is expected since then, not since its deadline less what is
// allowed: its loss clock runs at night too.
func TestNeverSeenOverNight(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 8h
    escalation: on-call
    roster: [a1]
    active: {hours: "01:00-03:00", timezone: UTC}
    rules:
      - {name: clients, stale_after: 10m}
`+noLoss)
	r.to(time.Hour + 11*time.Minute)
	inc := r.only()
	if inc.Opened != noon.Add(time.Hour+10*time.Minute) || inc.ExpectedSince() != noon || inc.Loss.Start != noon || inc.Loss.Begins != noon.Add(8*time.Hour) {
		t.Errorf("opened at %s, expected since %s, lost from %s at %s", inc.Opened, inc.ExpectedSince(), inc.Loss.Start, inc.Loss.Begins)
	}
}

// After a maintenance at night clients have their time in the morning.
func TestAfterMaintenanceTheTimeToArriveIsActive(t *testing.T) {
	r := newRig(t, office+`
maintenance:
  - {name: night, match: ['feed="f"'], from: 2025-11-24T02:50:00Z, to: 2025-11-24T20:00:00Z}
`)
	r.to(2*time.Hour + 45*time.Minute)
	r.beat("a", 1)
	r.to(2*time.Hour + 56*time.Minute)
	inc := r.only()
	if want := noon.Add(25*time.Hour + 10*time.Minute); inc.Hold == nil || inc.Hold.Until != want {
		t.Errorf("held by %+v, want until %s", inc.Hold, want)
	}
}

// A fleet that beats at night has its deadlines next morning, and is not looked at
// before.
func TestNothingIsDueAtNight(t *testing.T) {
	r := newRig(t, office)
	r.jump(4 * time.Hour)
	r.beat("a", 50)
	r.to(4*time.Hour + time.Minute)
	if bound := r.m.feeds["f"].bound; bound < noon.Add(25*time.Hour) || bound > noon.Add(25*time.Hour+10*time.Minute) {
		t.Errorf("something is due at %s", bound)
	}
}

// toWithOthers lets time pass while two clients more are well: all clients of a rule
// are always a quorum.
func (r *rig) toWithOthers(after time.Duration) {
	for at := r.now.Sub(noon); at < after; at += 5 * time.Minute {
		r.to(at)
		r.beat("b", 2)
	}
	r.to(after)
}

// Who waits for others in a quorum is counted by active deadlines, and pages by itself
// when its loss is near, at night too; one that never came as well.
func TestAQuorumLosesNothingAtNight(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 12h
    escalation: on-call
    roster: [a2]
    active: {hours: "01:00-03:00", timezone: UTC}
    rules:
      - {name: whole, per: feed, stale_after: 20h}
      - {name: clients, stale_after: 10m, quorum: 3}
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - {before_loss: 4h, notify: [pagerduty/infra]}
`)
	r.beat("a", 1)
	r.toWithOthers(time.Hour + 9*time.Minute)
	if v := r.client("a1"); v.Quorum != nil {
		t.Errorf("before its active deadline a1 waits for others: %+v", v.Quorum)
	}
	r.toWithOthers(time.Hour + 11*time.Minute)
	if v := r.client("a1").Quorum; v == nil || v.Overdue != 2 || v.Since != noon.Add(time.Hour+10*time.Minute) || v.Until != noon.Add(8*time.Hour) {
		t.Errorf("a1 waits for others: %+v", v)
	}
	for at := 2 * time.Hour; at < 8*time.Hour; at += 10 * time.Minute {
		if r.toWithOthers(at); len(r.open()) > 0 {
			t.Fatalf("at %s open are %v", at, scopesOf(r.open()))
		}
	}
	r.toWithOthers(8*time.Hour + time.Minute)
	inc := r.only()
	if inc.Opened != noon.Add(8*time.Hour) || !inc.Pages[0].About(ReasonLossNear) || inc.Loss.Begins != noon.Add(12*time.Hour) {
		t.Errorf("opened at %s, paged %v, loss begins %s", inc.Opened, pages(inc), inc.Loss.Begins)
	}
}

// Alone, and never seen, it is expected since the beginning, not since it pages.
func TestTheLossOfWhoNeverCameAndWaitsForOthers(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 12h
    escalation: on-call
    roster: [a1]
    rules:
      - {name: whole, per: feed, stale_after: 20h}
      - {name: clients, stale_after: 10m, quorum: 2}
escalations:
  - name: on-call
    steps:
      - notify: [slack/alerts]
      - {before_loss: 4h, notify: [pagerduty/infra]}
`)
	r.toWithOthers(8*time.Hour + time.Minute)
	inc := r.only()
	if inc.Opened != noon.Add(8*time.Hour) || inc.ExpectedSince() != noon || inc.Loss.Begins != noon.Add(12*time.Hour) || !inc.Pages[0].About(ReasonLossNear) {
		t.Errorf("opened at %s, expected since %s, paged %v, loss begins %s", inc.Opened, inc.ExpectedSince(), pages(inc), inc.Loss.Begins)
	}
}

// An ignore that ends at midnight wakes nobody before the hours begin.
func TestAnIgnoreThatEndsAtNightOpensInTheMorning(t *testing.T) {
	r := newRig(t, strings.Replace(office, "    active:", `    ignore: [{match: ['client="a1"'], reason: moves, until: 2025-11-24T06:00:00Z}]
    active:`, 1))
	for at := time.Duration(0); at < 25*time.Hour; at += 10 * time.Minute {
		r.beatSome(2, 3)
		r.to(at)
		checkInvariants(t, r.m)
		if len(r.open()) > 0 {
			t.Fatalf("at %s open are %v", at, scopesOf(r.open()))
		}
		if at == 0 {
			r.beatSome(1, 1)
		}
	}
	r.beatSome(2, 3)
	r.to(25*time.Hour + time.Minute)
	if inc := r.only(); inc.Opened != noon.Add(25*time.Hour) {
		t.Errorf("opened at %s, want when the hours begin", inc.Opened)
	}
}
