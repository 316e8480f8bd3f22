package watchdog

import (
	"slices"
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
