package watchdog

import (
	"strings"
	"testing"
	"time"
)

// disk is what flushes wrote, by block: without Names those written before stay.
type disk map[int]BlockImage

// crash starts anew from what a flush now makes of the disk.
func (d disk) crash(r *rig, yaml string) {
	d.flush(r)
	saved := &Saved{Through: r.now, Restarts: []Restart{{At: r.now, Through: r.now}}, Incidents: r.m.Incidents()}
	for n := range len(d) {
		saved.Blocks = append(saved.Blocks, d[n])
	}
	r.m = New(Config{Install: "test"}, r.now, saved)
	r.step(&UseRules{Set: parse(r.t, yaml)})
}

func (d disk) flush(r *rig) {
	for _, image := range mustFlush(r).Blocks {
		if image.Names == nil {
			image.Names = d[image.Index].Names
		}
		d[image.Index] = image
	}
}

// keepUp lets a1 ... an update each minute.
func (r *rig) keepUp(n int, until time.Duration) {
	for r.now < noon.Add(until) {
		r.beat("a", n)
		r.to(r.now.Sub(noon) + time.Minute)
	}
}

const rosterRules = `
feeds:
  - name: f
    escalation: on-call
    roster: [{client: a1}, {client: a2}, {client: a3}]
    rules:
      - {name: clients, stale_after: 10m, forget_after: 1h}
` + noLoss

func TestWhoLeftTheRosterPagesNobodyAfterARestart(t *testing.T) {
	r, d := newRig(t, rosterRules), disk{}
	r.beat("a", 3)
	d.flush(r)
	without := strings.Replace(rosterRules, ", {client: a3}", "", 1)
	r.step(&UseRules{Set: parse(t, without)})
	r.keepUp(2, time.Minute)
	d.crash(r, without)
	r.keepUp(2, 20*time.Minute)
	r.wantPages()
}

func TestWhoCameBackIsWatchedAfterARestart(t *testing.T) {
	gone := strings.Replace(rosterRules, "    roster: [{client: a1}, {client: a2}, {client: a3}]\n", "", 1)
	r, d := newRig(t, gone), disk{}
	r.beat("a", 3)
	r.keepUp(2, 70*time.Minute)
	if v := r.verdict("a3"); v != Retired {
		t.Fatalf("unseen for its forget_after a3 is %s", v)
	}
	d.flush(r)
	r.beat("a", 3)
	r.to(70*time.Minute + time.Second)
	d.crash(r, gone)
	r.keepUp(2, 85*time.Minute)
	r.wantPages("10m0s opened", "1h20m0s opened")
}
