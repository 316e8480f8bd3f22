package watchdog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// groups lets clients of each name have updates until then, each 30 s.
func (r *rig) groups(until time.Duration, names ...string) {
	for r.now < noon.Add(until) {
		for _, name := range names {
			r.beat(name, 30)
		}
		r.to(r.now.Sub(noon) + 30*time.Second)
	}
}

func TestWhatIsAcknowledgedBeforeItsFirstPageMayGrow(t *testing.T) {
	r := newRig(t, plain)
	r.beat("x", 3)
	r.step(silenceFor(`client=~"x.*"`, 0, 5*time.Hour))
	r.groups(12*time.Minute, "y")
	id := r.only().ID
	r.step(&Acknowledge{ID: id, By: "anna"})
	r.to(25 * time.Minute)
	var all []string
	for _, inc := range r.seen {
		all = append(all, pages(inc)...)
	}
	if !slices.Contains(all, "21m30s opened") {
		t.Errorf("y is silent too, and is neither silenced nor acknowledged: %v, pages %v", scopesOf(r.open()), all)
	}
}

func TestAnAcknowledgementCoversWhatWasShownThen(t *testing.T) {
	r := newRig(t, plain)
	r.beat("x", 3)
	r.groups(2*time.Minute, "y", "z")
	r.groups(12*time.Minute+30*time.Second, "z")
	inc := r.only()
	r.step(&Acknowledge{ID: inc.ID, By: "anna"})
	if was := r.only().Ack.Silent; was < 30 {
		t.Fatalf("acknowledged for %d", was)
	}
	r.groups(30*time.Minute, "z")
	r.wantPages("10m0s opened")
	r.to(45 * time.Minute)
	if got := pages(r.only()); !slices.Contains(got, "39m30s scope_grew") {
		t.Errorf("pages %v: z is silent too", got)
	}
}

func TestWhatEndsInAFlapPagesWhenTroubleIsBack(t *testing.T) {
	quick := strings.Replace(strings.Replace(plain, onCall, noLoss, 1), "stale_after: 10m", "stale_after: 2m", 1)
	for name, decide := range map[string]func(id string) Input{
		"snooze":  func(id string) Input { return &Snooze{ID: id, By: "anna"} },
		"silence": func(string) Input { return silenceFor(`feed="f"`, 11*time.Minute, 71*time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, quick)
			r.beat("a", 3)
			r.to(11 * time.Minute)
			r.step(decide(r.only().ID))
			r.to(70 * time.Minute)
			r.beat("a", 3) // and no more; what was decided ends a minute later
			r.to(3 * time.Hour)
			r.wantPages("2m0s opened", "1h12m0s scope_grew")
		})
	}
}

func TestTroubleThatIsBackIsNotAcknowledged(t *testing.T) {
	r := newRig(t, plain)
	r.beat("a", 30)
	r.to(11 * time.Minute)
	r.step(&Acknowledge{ID: r.only().ID, By: "anna"})
	r.keepUp(29, 14*time.Minute)
	r.keepUp(20, 19*time.Minute)
	r.to(40 * time.Minute)
	if got := pages(r.only()); !slices.ContainsFunc(got, func(p string) bool { return p > "2" && p[len(p)-4:] == "grew" }) {
		t.Errorf("pages %v: updates came again for longer than a flap, and stopped", got)
	}
}
