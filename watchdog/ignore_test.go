package watchdog

import (
	"strings"
	"testing"
	"time"
)

// ignoring is rules that ignore client a1 until an hour past noon.
const ignoring = `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    ignore:
      - {match: ['client="a1"'], reason: moves, until: 2025-11-24T01:00:00Z}
    rules:
      - {name: whole, per: feed, stale_after: 1h}
      - {name: clusters, per: cluster, stale_after: 15m}
      - {name: clients, stale_after: 10m}
` + noLoss

func watchingAll() string {
	from := strings.Index(ignoring, "    ignore:")
	return ignoring[:from] + ignoring[strings.Index(ignoring, "    rules:"):]
}

// b keeps arriving on a cluster of its own.
func (r *rig) keepUpB(until time.Duration) {
	for r.now < noon.Add(until) {
		r.beat("b", 20, "cluster", "two")
		r.to(r.now.Sub(noon) + time.Minute)
		checkInvariants(r.t, r.m)
	}
}

// Whoever is ignored opens nothing, nor does a group of the ignored alone; the day the
// ignore ends they are watched again, and what is silent then pages as of then.
func TestWhoIsIgnoredOpensNothingUntilThen(t *testing.T) {
	r := newRig(t, ignoring)
	r.beat("a", 1, "cluster", "one")
	r.keepUpB(59 * time.Minute)
	if v := r.verdict("a1"); v != Unwatched || len(r.open()) > 0 {
		t.Fatalf("a1 is %s, and open are %v", v, scopesOf(r.open()))
	}
	page, _ := r.m.Clients(ClientQuery{Feed: "f", Client: "a1", Any: true})
	if ignored := page.Clients[0].Ignored; ignored == nil || ignored.Reason != "moves" || ignored.Until != noon.Add(time.Hour) {
		t.Errorf("a1 is ignored by %+v", ignored)
	}
	r.keepUpB(62 * time.Minute)
	if inc := r.only(); inc.Opened != noon.Add(time.Hour) || inc.Scope.Of+inc.Scope.ElsewhereOf != 21 || inc.Anchor != "one" && inc.Anchor != "a1" {
		t.Errorf("opened at %s for %d of %d, by %s", inc.Opened, inc.Scope.Silent, inc.Scope.Of, inc.Anchor)
	}
	r.beat("a", 1, "cluster", "one")
	r.keepUpB(70 * time.Minute)
	if v := r.verdict("a1"); v != Fresh || len(r.open()) > 0 {
		t.Errorf("a1 is %s, and open are %v", v, scopesOf(r.open()))
	}
}

// A client that comes to be ignored leaves its incident, which says so and ends.
func TestWhoComesToBeIgnoredLeavesItsIncident(t *testing.T) {
	r := newRig(t, watchingAll())
	r.beat("a", 1)
	r.keepUpB(12 * time.Minute)
	id := r.only().ID
	r.step(&UseRules{Set: parse(t, ignoring)})
	r.keepUpB(18 * time.Minute)
	inc := r.seen[id]
	said := false
	for _, e := range inc.Events {
		said = said || e.Kind == EventIgnored && e.Was == 1
	}
	if inc.State != StateResolved || !said {
		t.Errorf("it is %s, and its timeline %+v", inc.State, inc.Events)
	}
}

// The whole feed is silent though the ignored are not counted, and what they send is
// an update of the feed.
func TestIgnoredClientsAndTheFeedAsAWhole(t *testing.T) {
	long := strings.Replace(ignoring, "2025-11-24T01:00:00Z", "2025-12-24", 1)
	r := newRig(t, long)
	for r.now < noon.Add(3*time.Hour) {
		r.beat("a", 1)
		r.to(r.now.Sub(noon) + time.Minute)
	}
	if len(r.open()) > 0 {
		t.Errorf("updates of the ignored are none of the feed: %v", scopesOf(r.open()))
	}
	r.to(5 * time.Hour)
	if inc := r.only(); inc.Rule != "whole" {
		t.Errorf("opened by %s", inc.Rule)
	}
}

// A restart changes nothing of it, and one who was forgotten before is not found
// silent at the end.
func TestAnIgnoreSurvivesARestart(t *testing.T) {
	r, d := newRig(t, ignoring), disk{}
	r.beat("a", 1, "cluster", "one")
	r.keepUpB(30 * time.Minute)
	d.flush(r)
	d.crash(r, ignoring)
	r.keepUpB(59 * time.Minute)
	if v := r.verdict("a1"); v != Unwatched || len(r.open()) > 0 {
		t.Fatalf("a1 is %s, and open are %v", v, scopesOf(r.open()))
	}
	r.keepUpB(70 * time.Minute)
	if inc := r.only(); inc.Opened < noon.Add(time.Hour) {
		t.Errorf("opened at %s", inc.Opened)
	}
}

func TestWhoWasForgottenIsNotFoundSilentByTheEndOfAnIgnore(t *testing.T) {
	forget := func(yaml string) string {
		return strings.Replace(yaml, "{name: clients, stale_after: 10m}", "{name: clients, stale_after: 10m, forget_after: 20m}", 1)
	}
	r := newRig(t, forget(watchingAll()))
	r.beat("a", 1)
	r.keepUpB(25 * time.Minute)
	if v := r.verdict("a1"); v != Retired {
		t.Fatalf("a1 is %s", v)
	}
	r.keepUpB(30 * time.Minute)
	r.step(&UseRules{Set: parse(t, forget(ignoring))})
	r.keepUpB(75 * time.Minute)
	if v := r.verdict("a1"); v != Retired || len(r.open()) > 0 {
		t.Errorf("a1 is %s, and open are %v", v, scopesOf(r.open()))
	}
	r.beat("a", 1)
	if v := r.verdict("a1"); v != Fresh {
		t.Errorf("back, it is %s", v)
	}
	r.keepUpB(90 * time.Minute)
	r.only()
}
