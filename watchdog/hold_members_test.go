package watchdog

import (
	"testing"
	"time"
)

func TestTroubleBackWithinASecondIsHeldToo(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 1, "cluster", "x")
	r.to(time.Minute + 500*time.Millisecond)
	r.beat("b", 1, "cluster", "x")
	r.step(silenceFor(`cluster="x"`, r.now.Sub(noon), 5*time.Hour))
	r.to(11 * time.Minute)
	r.beat("a", 1)
	r.to(30 * time.Minute)
	r.wantPages()
}

const quickPart = `
feeds:
  - name: f
    escalation: on-call
    rules:
      - {name: clusters, per: cluster, stale_after: 10m}
      - {name: quick, match: ['client=~"a.*"'], stale_after: 10m}
      - {name: clients, stale_after: 1h}
` + noLoss

func TestAGroupThatFallsSilentEndsAHoldOnPartOfIt(t *testing.T) {
	r := newRig(t, quickPart)
	r.beat("a", 8, "cluster", "x")
	r.beat("b", 1, "cluster", "x")
	r.beat("c", 30, "cluster", "y")
	r.step(silenceFor(`client=~"a.*"`, 0, 5*time.Hour))
	r.to(500 * time.Millisecond)
	r.beat("b", 1)
	for r.now < noon.Add(15*time.Minute) {
		r.to(r.now.Sub(noon) + time.Minute)
		r.beat("c", 30)
	}
	r.wantPages("10m1.2s opened")
}
