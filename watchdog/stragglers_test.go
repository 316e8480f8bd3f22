package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// outageOf is n clients that are silent for a while and come back but for left.
func outageOf(r *rig, n, left int, silent, back time.Duration) {
	r.beat("a", n)
	r.to(silent)
	for r.now < noon.Add(silent+back) {
		r.beat("a", n-left) // a1 ... the last ones stay away
		r.to(r.now.Sub(noon) + time.Minute)
	}
}

func TestStragglersGoOnAsAnIncidentOfTheirOwn(t *testing.T) {
	r := newRig(t, plain)
	outageOf(r, 40, 2, 30*time.Minute, 9*time.Minute)
	checkInvariants(t, r.m)
	left := r.only()
	if left.Scope.Silent != 2 || left.Opened != noon.Add(35*time.Minute) || left.State != StateOpen || left.Loss.Start != noon {
		t.Errorf("stragglers: %s %s for %d, loss from %s", left.State, left.Opened, left.Scope.Silent, left.Loss.Start)
	}
	if got := pages(left); !slices.Equal(got, []string{"35m0s opened"}) {
		t.Errorf("pages for the stragglers: %v", got)
	}
	for id, inc := range r.seen {
		if id != left.ID && (inc.State != StateResolved || inc.Resolved != noon.Add(35*time.Minute)) {
			t.Errorf("the first is %s at %s", inc.State, inc.Resolved)
		}
	}
	if got := r.happened(EventSplit); len(got) != 1 {
		t.Errorf("split: %q", got)
	}
	r.to(80 * time.Minute) // the next outage, of everybody
	all := r.open()
	if len(all) != 1 || all[0].Scope.Silent != 40 || !slices.ContainsFunc(all[0].Pages, func(p Page) bool { return p.Reason == ReasonGrew }) {
		t.Errorf("the next outage: %v", scopesOf(all))
	}
}

func TestStragglersOpenThenThoughAnotherWaits(t *testing.T) {
	r := newRig(t, strings.Replace(plain, "stale_after: 6d", "stale_after: 20d", 1))
	all := func(n int) {
		r.beat("x", n, "cluster", "x")
		r.beat("y", 40, "cluster", "y")
	}
	all(40)
	for r.now < noon.Add(2*time.Hour) {
		r.to(r.now.Sub(noon) + 5*time.Minute)
		r.beat("y", 40)
	}
	r.to(2*time.Hour + 5*time.Minute - 100*time.Millisecond)
	r.beat("y", 40) // the last of y40: its deadline is amid the wait for the split
	r.to(2*time.Hour + 10*time.Minute)
	for r.now < noon.Add(2*time.Hour+19*time.Minute) {
		r.beat("x", 39)
		r.beat("y", 39)
		r.to(r.now.Sub(noon) + time.Minute)
	}
	if inc := r.only(); inc.Opened != noon.Add(2*time.Hour+15*time.Minute) || inc.Scope.Silent != 2 || len(inc.Pages) != 1 {
		t.Errorf("%v opened %s, pages %v", scopesOf(r.open()), inc.Opened.Sub(noon), pages(inc))
	}
}

func TestMoreThanAFewKeepAnIncidentOpen(t *testing.T) {
	r := newRig(t, plain)
	outageOf(r, 40, 3, 30*time.Minute, 20*time.Minute)
	if inc := r.only(); inc.Scope.Silent != 3 || inc.Opened != noon.Add(10*time.Minute) {
		t.Errorf("%s of %d opened %s", inc.State, inc.Scope.Silent, inc.Opened)
	}
}

func TestStragglersAreNotPagedAgainForTheLossThatWasSaid(t *testing.T) {
	r := newRig(t, strings.Replace(plain, "stale_after: 6d", "stale_after: 20d", 1))
	outageOf(r, 40, 1, 6*24*time.Hour, 10*time.Minute)
	left := r.only()
	if left.Scope.Silent != 1 {
		t.Fatalf("%v", scopesOf(r.open()))
	}
	for _, p := range left.Pages {
		if p.Reason != ReasonOpened && p.Reason != ReasonStep {
			t.Errorf("paged for %s", p.Reason)
		}
	}
	r.to(7*24*time.Hour + time.Minute)
	if last := r.only().Pages; last[len(last)-1].Reason != ReasonLossBegun {
		t.Errorf("pages %v: loss has begun", pages(r.only()))
	}
}

func TestAnIDIsNeverUsedTwice(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 3)
	r.to(11 * time.Minute)
	first := r.only()
	gone := strings.Replace(strings.Replace(plain, "name: f\n", "name: other\n", 1), "feeds:", "retired_feeds:\n  - {name: f, reason: moved}\nfeeds:", 1)
	r.step(&UseRules{Set: parse(t, gone)})
	r.step(&Resolve{ID: first.ID, By: "anna"})
	if all := r.open(); len(all) != 0 {
		t.Fatalf("closed by a person, and still open: %v", scopesOf(all))
	}
	r.step(&UseRules{Set: parse(t, plain)}) // the same deadline of the same client again
	r.to(12 * time.Minute)
	if second := r.only(); second.ID != first.ID+"-2" || second.Key != first.Key+"-2" {
		t.Errorf("the second is %s, after %s", second.ID, first.ID)
	}
}

func TestPastForgetsTheOldest(t *testing.T) {
	var p past
	for n := range idsMax + 1 {
		p.add(fmt.Sprint(n))
	}
	if p.has("0") || !p.has("1") || len(p.ids) != idsMax {
		t.Errorf("%d ids are kept", len(p.ids))
	}
}
