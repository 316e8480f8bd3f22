package watchdog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const risingRules = `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d, severity: info}
      - {name: clients, stale_after: 10m, severity: {default: warning, critical_from: 50%}}
` + noLoss

// Half of the clients make it critical, which pages at once though somebody is on it,
// and though the last page for growth was a moment ago.
func TestHalfOfTheClientsMakeItCritical(t *testing.T) {
	r := newRig(t, risingRules)
	r.beat("a", 10)
	r.to(5 * time.Minute)
	r.beatSome(4, 10)
	r.to(12 * time.Minute)
	inc := r.only()
	if inc.Severity != rules.Warning || inc.Scope.Silent != 3 {
		t.Fatalf("it is %s with %d silent", inc.Severity, inc.Scope.Silent)
	}
	r.step(&Acknowledge{ID: inc.ID, By: "anna", For: time.Hour})
	r.beatSome(5, 10)
	r.to(16 * time.Minute)
	if inc = r.only(); inc.Severity != rules.Warning || inc.Ack == nil {
		t.Fatalf("with %d silent it is %s, acknowledged %v", inc.Scope.Silent, inc.Severity, inc.Ack != nil)
	}
	r.beatSome(6, 10)
	r.to(23 * time.Minute)
	inc = r.only()
	if inc.Severity != rules.Critical || inc.Scope.Silent != 5 || inc.Ack != nil || !slices.ContainsFunc(inc.Pages, func(p Page) bool { return p.Reason == ReasonGrew }) {
		t.Errorf("with %d silent it is %s, paged %v", inc.Scope.Silent, inc.Severity, pages(inc))
	}
	r.beatSome(2, 10)
	r.to(24 * time.Minute)
	if inc = r.only(); inc.Severity != rules.Critical || inc.Scope.Silent != 1 {
		t.Errorf("with %d silent it is %s", inc.Scope.Silent, inc.Severity)
	}
}

// beatSome is an update now for a<from> ... a<to>.
func (r *rig) beatSome(from, to int) {
	for i := from; i <= to; i++ {
		r.hear(feed.Push, beatOf(fmt.Sprintf("a%d", i), r.now))
	}
}

// An edit of the share counts for the incident that is open, and a restart keeps it.
func TestAShareThatIsEditedCountsForAnOpenIncident(t *testing.T) {
	r, d := newRig(t, risingRules), disk{}
	r.beat("a", 10)
	r.to(5 * time.Minute)
	r.beatSome(4, 10)
	r.to(12 * time.Minute)
	d.flush(r)
	lower := strings.Replace(risingRules, "50%", "30%", 1)
	d.crash(r, risingRules)
	r.beatSome(4, 10)
	r.to(18 * time.Minute)
	if inc := r.only(); inc.Severity != rules.Warning {
		t.Fatalf("it is %s", inc.Severity)
	}
	r.step(&UseRules{Set: parse(t, lower)})
	r.to(19 * time.Minute)
	if inc := r.only(); inc.Severity != rules.Critical {
		t.Errorf("it is %s", inc.Severity)
	}
}
