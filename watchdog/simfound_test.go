package watchdog

import (
	"slices"
	"testing"
	"time"
)

// What the simulator found, by what it showed.

const mildAndSevere = `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: whole, per: feed, stale_after: 6d}
      - {name: gold, match: ['tier="gold"'], stale_after: 10m, severity: warning}
      - {name: others, stale_after: 1h, severity: critical}
` + noLoss

// A series that is only unknown after a restart joins the open incident, and made
// it as severe as its own rule: a page for growth, with nobody more silent.
func TestARestartMakesNothingMoreSevere(t *testing.T) {
	r := newRig(t, mildAndSevere)
	r.beat("g", 1, "tier", "gold")
	r.beat("o", 3, "tier", "other")
	r.to(50 * time.Minute)
	before := pages(r.only())
	r.now = noon.Add(62 * time.Minute) // down while the others were due
	r.restart(mildAndSevere)
	r.beat("o", 3, "tier", "other")
	r.to(70 * time.Minute)
	if after := pages(r.only()); !slices.Equal(after, before) {
		t.Errorf("pages %v, before the restart they were %v", after, before)
	}
	checkInvariants(t, r.m)
}
