package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func TestMoreCausesAtOnceThanLooksArePlaced(t *testing.T) {
	r := newRig(t, plain)
	for i := range 12 {
		r.beat(fmt.Sprintf("c%d-", i), 60, "cluster", fmt.Sprint(i))
	}
	r.jump(9 * time.Minute)
	for i := 6; i < 12; i++ {
		r.beat(fmt.Sprintf("c%d-", i), 60)
	}
	r.to(10 * time.Minute)
	checkInvariants(t, r.m)
	for _, inc := range r.open() {
		if inc.State != StateOpen || len(inc.Pages) != 1 {
			t.Errorf("%s is %s with pages %v", inc.Scope, inc.State, pages(inc))
		}
	}
}

func TestGrowthTooSoonIsPagedLater(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 2, "cluster", "a")
	r.to(2*time.Minute).beat("b", 8, "cluster", "a")
	r.to(30 * time.Minute)
	want := []string{"10m0s opened", "15m0s scope_grew"} // and not_acknowledged, at the same instant
	got := pages(r.only())
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}

func TestARemovedRuleLeavesTheIncidentUntilUpdatesCome(t *testing.T) {
	renamed := strings.Replace(plain, "{name: whole, per: feed, stale_after: 6d}", "{name: all, per: feed, stale_after: 5m}", 1)
	whole := strings.Replace(plain, "stale_after: 6d", "stale_after: 5m", 1)
	gone := strings.Replace(strings.Replace(plain, "name: f\n", "name: other\n", 1), "feeds:", "retired_feeds:\n  - {name: f, reason: moved}\nfeeds:", 1)
	for _, c := range []struct{ name, edit, rule string }{
		{"renamed", renamed, "all"},
		{"feed gone", gone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, whole)
			r.beat("a", 3)
			r.to(11 * time.Minute)
			before := r.only()
			r.step(&UseRules{Set: parse(t, c.edit)})
			r.to(40 * time.Minute)
			checkInvariants(t, r.m)
			after := r.only()
			if after.ID != before.ID || after.Rule != c.rule || after.State != StateOpen {
				t.Fatalf("%s is %s under %q, want %s under %q", after.ID, after.State, after.Rule, before.ID, c.rule)
			}
			for range 10 {
				r.beat("a", 3)
				r.to(r.now.Sub(noon) + time.Minute)
			}
			checkInvariants(t, r.m)
			if all := r.open(); len(all) != 0 || r.seen[before.ID].State != StateResolved {
				t.Errorf("still open: %v", scopesOf(all))
			}
		})
	}
}

func TestARemovedFeedStaysOpenThroughARestart(t *testing.T) {
	gone := strings.Replace(strings.Replace(plain, "name: f\n", "name: other\n", 1), "feeds:", "retired_feeds:\n  - {name: f, reason: moved}\nfeeds:", 1)
	r := newRig(t, plain)
	r.beat("a", 3)
	r.to(11 * time.Minute)
	r.step(&UseRules{Set: parse(t, gone)})
	r.restart(gone)
	r.to(30 * time.Minute)
	if inc := r.only(); inc.State != StateOpen {
		t.Fatalf("it is %s though nothing came", inc.State)
	}
	r.beat("a", 3)
	r.to(40 * time.Minute)
	if all := r.open(); len(all) != 0 {
		t.Errorf("still open: %v", scopesOf(all))
	}
}

// restart crashes after a flush and starts again under yaml.
func (r *rig) restart(yaml string) {
	r.t.Helper()
	flush := mustFlush(r)
	saved := &Saved{Blocks: flush.Blocks, Through: flush.Through, Incidents: r.m.Incidents()}
	saved.Restarts = []Restart{{At: r.now, Through: flush.Through}}
	r.m = New(Config{Install: "test", Sources: r.m.cfg.Sources}, r.now, saved)
	r.step(&UseRules{Set: parse(r.t, yaml)})
}

func TestAnEditOfTheRetentionMovesTheLossClock(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 1)
	r.to(11 * time.Minute)
	revision := r.only().Revision
	r.step(&UseRules{Set: parse(t, strings.Replace(plain, "retention: 7d", "retention: 3d", 1))})
	if inc := r.only(); inc.Loss.Begins != noon.Add(72*time.Hour) || inc.Revision == revision {
		t.Errorf("loss begins %s at revision %d", inc.Loss.Begins, inc.Revision)
	}
}

func TestALossThatWasPutOffIsPagedForAgain(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3)
	r.to(5*24*time.Hour + time.Hour)
	r.step(&UseRules{Set: parse(t, strings.Replace(plain, "retention: 7d", "retention: 14d", 1))})
	r.to(15 * 24 * time.Hour)
	var got []string
	for _, p := range r.only().Pages {
		if p.Reason == ReasonLossNear || p.Reason == ReasonLossBegun {
			got = append(got, fmt.Sprintf("%s %s", p.At.Sub(noon), p.Reason))
		}
	}
	if want := []string{"120h0m0s loss_near", "288h0m0s loss_near", "336h0m0s loss_begun"}; !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}

func TestPartFallsSilentAgainWhileCatchingUp(t *testing.T) {
	r := newRig(t, strings.Replace(plain, "stale_after: 10m", "stale_after: 10m, lag_over: 20m", 1))
	r.beat("a", 10)
	r.to(2 * time.Hour)
	id := r.only().ID
	backlog := func(from, to int) {
		var all []feed.Heartbeat
		for i := from; i <= to; i++ {
			hb := beatOf(fmt.Sprintf("a%d", i), r.now)
			hb.Event = noon.Add((r.now.Sub(noon) - 2*time.Hour) * 3 / 2)
			all = append(all, hb)
		}
		r.hear(feed.Push, all...)
	}
	for r.now < noon.Add(160*time.Minute) {
		backlog(1, 10)
		r.to(r.now.Sub(noon) + time.Minute)
	}
	if inc := r.only(); inc.ID != id || inc.trouble() != 0 {
		t.Fatalf("not recovering: %+v", inc)
	}
	before := len(r.only().Pages)
	for r.now < noon.Add(200*time.Minute) {
		backlog(1, 7)
		r.to(r.now.Sub(noon) + time.Minute)
	}
	inc := r.seen[id]
	if inc.Loss.Begins.IsZero() {
		t.Error("three are silent and no loss clock runs")
	}
	if len(inc.Pages) == before {
		t.Errorf("nobody was told that three are silent again: %v", pages(inc))
	}
	checkInvariants(t, r.m)
}

func (i *Incident) trouble() int { return i.Scope.Silent }

func TestAStragglersUpdateDoesNotEndTheLoss(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 10)
	r.to(24 * time.Hour)
	r.beat("a", 1) // one of ten, once
	r.to(9*24*time.Hour + 18*time.Hour)
	from, to := r.seen[r.open()[0].ID].Loss.LostAt(r.now)
	if from != noon || to != r.now.Add(-7*24*time.Hour) {
		t.Errorf("%+v\nlost %s to %s, want %s to %s", r.open()[0].Loss, from, to, noon, r.now.Add(-7*24*time.Hour))
	}
	r.beat("a", 10)
	r.to(9*24*time.Hour + 18*time.Hour + 9*time.Minute)
	for _, inc := range r.seen {
		if inc.Loss.LostFrom != noon || inc.Loss.LostTo != noon.Add(66*time.Hour) {
			t.Errorf("%s %s %s: lost %s to %s", inc.Cause, inc.ID, inc.State, inc.Loss.LostFrom, inc.Loss.LostTo)
		}
	}
}

func TestALateHeartbeatIsNoResumption(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 2)
	r.to(30 * time.Minute)
	r.hear(feed.Push, beatOf("a1", noon.Add(3*time.Minute)))
	inc := r.only()
	if !inc.Loss.FirstAgain.IsZero() {
		t.Errorf("resumed %s by a heartbeat older than the silence", inc.Loss.FirstAgain)
	}
	if inc.Loss.Start != noon.Add(3*time.Minute) || inc.Loss.Begins != inc.Loss.Start.Add(7*24*time.Hour) {
		t.Errorf("the loss starts %s and begins %s", inc.Loss.Start, inc.Loss.Begins)
	}
}

func TestAPageInTheGraceOfARestartIsNoGrowthLater(t *testing.T) {
	r := newRig(t, strings.Replace(plain, "stale_after: 6d", "stale_after: 5m", 1))
	r.beat("a", 8)
	r.to(time.Second)
	flush, _ := r.m.Flush(AllBlocks)
	r.to(9 * time.Minute)
	saved := &Saved{
		Blocks: flush.Blocks, Through: flush.Through, Incidents: r.m.Incidents(),
		Restarts: []Restart{{At: r.now, Through: flush.Through}},
	}
	r.m = New(Config{Install: "test"}, r.now, saved)
	r.step(&UseRules{Set: parse(t, strings.Replace(plain, "stale_after: 6d", "stale_after: 5m", 1))})
	r.to(30 * time.Minute)
	want := []string{"5m0s opened", "10m0s not_acknowledged"}
	if got := pages(r.only()); !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
}

func TestABlindSourceIsBlindAfterARestartToo(t *testing.T) {
	r := newRig(t, plain, pull)
	r.hear(pull, beatOf("p1", r.now))
	r.to(30 * time.Minute) // pull says nothing: p1 is blind, its deadline passed
	before := r.only()
	if before.Cause != CauseBlind || r.verdict("p1") != Blind {
		t.Fatalf("%s, p1 is %s", before.Cause, r.verdict("p1"))
	}
	r.restart(plain)
	for range 20 {
		r.to(r.now.Sub(noon) + time.Minute)
		if inc := r.only(); inc.ID != before.ID || inc.State != StateOpen {
			t.Fatalf("at %s: %s %s is %s", r.now.Sub(noon), inc.Cause, inc.ID, inc.State)
		}
	}
	r.step(&Heard{Report: feed.Report{Source: pull, KnownThrough: r.now, Heartbeats: []feed.Heartbeat{beatOf("p1", r.now)}}})
	r.step()
	if inc := r.only(); inc.State != StateRecovering {
		t.Errorf("it can see, and the incident is %s", inc.State)
	}
}

func TestBlindIsNotSilentAfterAWake(t *testing.T) {
	r := newRig(t, plain, pull)
	r.hear(pull, beatOf("p1", r.now))
	r.to(30 * time.Minute)
	r.now = r.now.Add(time.Minute)
	r.m.Wake(r.now)
	r.to(50 * time.Minute)
	if inc := r.only(); inc.Cause != CauseBlind || inc.State != StateOpen {
		t.Errorf("%s is %s", inc.Cause, inc.State)
	}
}

func TestSavedStampsOfTheFutureHideNothing(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 1)
	flush, _ := r.m.Flush(AllBlocks)
	early := noon.Add(-24 * time.Hour) // the clock was set back by a day
	r.m = New(Config{Install: "test"}, early, &Saved{Blocks: flush.Blocks, Through: flush.Through})
	r.m.Step(early, &UseRules{Set: parse(t, plain)})
	end := early.Add(11 * time.Minute)
	r.m.Step(end, &Heard{Report: feed.Report{Source: feed.Push, KnownThrough: end}})
	if got := r.verdict("a1"); got != Stale {
		t.Errorf("a1 is %s", got)
	}
	if len(r.m.Trouble()) == 0 {
		t.Error("nothing is said of it")
	}
}

func TestOneBatchIsOnePageThoughItsUpdatesAreMillisecondsApart(t *testing.T) {
	for _, c := range []struct {
		name, rules string
	}{
		{"clients", plain},
		{"whole and clients alike", strings.Replace(plain, "stale_after: 6d", "stale_after: 10m", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.rules)
			for i := range 20 {
				r.now = noon.Add(time.Duration(i) * 2 * time.Millisecond)
				r.beat(fmt.Sprintf("c%d-", i), 1)
			}
			r.to(12 * time.Minute)
			inc := r.only()
			if got, want := pages(inc), []string{"10m0s opened"}; !slices.Equal(got, want) {
				t.Errorf("pages %v, want %v", got, want)
			}
			if s := inc.Events[0].Scope; s.Silent != 20 || s.Of != 20 {
				t.Errorf("opened for %d of %d, want all 20", s.Silent, s.Of)
			}
			checkInvariants(t, r.m)
		})
	}
}

const perCluster = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: clusters, per: cluster, stale_after: 10m}
      - {name: clients, stale_after: 1d}
` + onCall

func TestAGroupThatEverybodyLeftIsNotSilent(t *testing.T) {
	r := newRig(t, perCluster)
	r.beat("a", 3, "cluster", "old")
	r.beat("b", 3, "cluster", "other")
	for i := range 40 {
		r.to(time.Duration(i) * time.Minute)
		r.beat("b", 3, "cluster", "other")
		if i == 11 && len(r.open()) != 1 {
			t.Fatalf("open after the deadline: %v, want cluster=old", scopesOf(r.open()))
		}
		if i >= 12 {
			r.beat("a", 3, "cluster", "new")
		}
		checkInvariants(t, r.m)
	}
	for _, inc := range r.seen {
		if inc.State != StateResolved || len(inc.Pages) != 1 {
			t.Errorf("%s is %s with pages %v, want it resolved after its first", inc.Scope, inc.State, pages(inc))
		}
	}
	r.restart(perCluster)
	r.beat("a", 3, "cluster", "new")
	r.beat("b", 3, "cluster", "other")
	r.to(r.now.Sub(noon) + 7*time.Minute)
	if all := r.open(); len(all) != 0 {
		t.Errorf("open after a restart: %v", scopesOf(all))
	}
	checkInvariants(t, r.m)
}

func TestALateUpdateIsShownThoughTheLossStartsWhereItDid(t *testing.T) {
	r := newRig(t, plain)
	hb := beatOf("a1", r.now)
	hb.Event = r.now
	r.hear(feed.Push, hb)
	r.to(20 * time.Minute)
	revision := r.only().Revision
	late := beatOf("a1", noon.Add(5*time.Minute))
	late.Event = noon.Add(-time.Minute)
	r.hear(feed.Push, late)
	if inc := r.seen[r.only().ID]; inc.Since != noon.Add(5*time.Minute) || inc.Revision == revision {
		t.Errorf("handed out: since %s at revision %d", inc.Since, inc.Revision)
	}
}

// It takes a window or two to see that a backlog is gone; when it was gone is
// kept to the update.
func TestCurrentIsTheLastLateUpdate(t *testing.T) {
	r := newRig(t, plain)
	update := func(minute int, age time.Duration) {
		r.to(time.Duration(minute) * time.Minute)
		hb := beatOf("a", r.now)
		hb.Event = r.now.Add(-age)
		r.hear(feed.Push, hb)
	}
	update(0, 0)
	for k := range 7 { // ten minutes of updates a minute, after an hour of none
		update(60+k, time.Duration(60-9*k)*time.Minute)
	}
	id := r.only().ID
	if inc := r.seen[id]; !inc.Current.IsZero() {
		t.Errorf("current since %s while it catches up", inc.Current)
	}
	for minute := 67; minute < 90; minute++ {
		update(minute, 0)
	}
	inc := r.seen[id]
	if inc.State != StateResolved || inc.Current != noon.Add(65*time.Minute) || inc.WellSince <= inc.Current {
		t.Errorf("%s, current since %s, seen at %s", inc.State, inc.Current, inc.WellSince)
	}
}
