package watchdog

import (
	"slices"
	"testing"
	"time"
)

// setBack is the clock set back by d while nothing else happens.
func (r *rig) setBack(d time.Duration) {
	r.now = r.now.Add(-d)
	r.m.Rewind(r.now)
	r.step()
}

func TestAClockThatIsSetBackHidesNoSilence(t *testing.T) {
	for _, d := range []time.Duration{time.Minute, 20 * time.Minute, 3 * time.Hour} {
		r := newRig(t, plain)
		r.to(4 * time.Hour)
		r.beat("a", 3)
		r.to(4*time.Hour + 3*time.Minute)
		r.setBack(d)
		checkInvariants(t, r.m)
		r.to(4*time.Hour + 10*time.Minute - d - time.Second)
		if len(r.open()) != 0 {
			t.Fatalf("%s back: open 7 minutes too soon", d)
		}
		r.to(4*time.Hour + 11*time.Minute - d)
		if inc := r.only(); inc.Opened != noon.Add(4*time.Hour+10*time.Minute-d) || len(inc.Pages) != 1 {
			t.Errorf("%s back: opened %s with %v", d, inc.Opened, pages(inc))
		}
	}
}

func TestALadderGoesOnWhenTheClockIsSetBack(t *testing.T) {
	r := newRig(t, plain)
	r.to(4 * time.Hour)
	r.beat("a", 3)
	r.to(4*time.Hour + 12*time.Minute)
	id := r.only().ID
	r.setBack(2 * time.Hour)
	r.to(2*time.Hour + 14*time.Minute)
	r.step(&Acknowledge{ID: id, By: "anna", For: time.Hour})
	r.setBack(time.Hour)
	r.to(2*time.Hour + 15*time.Minute)
	inc := r.only()
	want := []string{"1h10m0s opened", "2h14m0s acknowledgement_expired"}
	if got := pages(inc); inc.ID != id || !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %s: %v", inc.ID, got, id, want)
	}
	for i := range inc.Events[1:] {
		if inc.Events[i+1].At < inc.Events[i].At {
			t.Errorf("the timeline runs back: %s after %s", inc.Events[i+1].At, inc.Events[i].At)
		}
	}
	checkInvariants(t, r.m)
	for i := range 8 {
		r.beat("a", 3)
		r.to(2*time.Hour + time.Duration(16+i)*time.Minute)
	}
	if len(r.open()) != 0 {
		t.Errorf("still open: %v", scopesOf(r.open()))
	}
}

func TestASetBackClockKeepsEventTimes(t *testing.T) {
	r := newRig(t, plain)
	r.to(time.Hour)
	r.update("a", r.now.Add(-time.Minute))
	r.update("b", r.now.Add(-30*time.Minute))
	r.setBack(20 * time.Minute)
	b := r.m.feeds["f"].blocks[0]
	for i := range b.rows {
		client := b.client(i)
		switch client {
		case "a": // made in what is now the future
			if b.rows[i].event != 0 {
				t.Errorf("a keeps an event time of the future: %s", b.rows[i].event)
			}
		case "b":
			if b.rows[i].event != noon.Add(30*time.Minute) || b.rows[i].arrival != noon.Add(40*time.Minute) {
				t.Errorf("b: event %s, arrival %s", b.rows[i].event, b.rows[i].arrival)
			}
		}
	}
	if len(r.m.Trouble()) == 0 {
		t.Error("nobody is told that the clock was set back")
	}
}

func TestASetBackClockLengthensNoHold(t *testing.T) {
	r := newRig(t, dependent)
	r.to(4 * time.Hour)
	r.beat("a", 1)
	r.beatParent()
	r.to(4*time.Hour + 20*time.Minute)
	r.beatParent() // p is back: f has 15 minutes to arrive first
	r.to(4*time.Hour + 21*time.Minute)
	r.setBack(3 * time.Hour)
	for r.now < noon.Add(2*time.Hour) {
		r.beatParent()
		r.to(r.now.Sub(noon) + time.Minute)
	}
	for _, inc := range r.seen {
		if inc.Feed == "f" && inc.State == StateOpen && !slices.Contains(pages(inc), "1h35m0s opened") {
			t.Errorf("pages of f %v, held by %+v", pages(inc), inc.Hold)
		}
	}
}

func TestASilenceHoldsThoughTheClockIsSetBack(t *testing.T) {
	r := newRig(t, plain)
	r.to(4 * time.Hour)
	r.beat("a", 3)
	r.step(silenceFor(`feed="f"`, 4*time.Hour, 6*time.Hour))
	r.to(4*time.Hour + 20*time.Minute)
	r.setBack(time.Hour)
	r.to(5 * time.Hour)
	r.wantPages()
}

// Whom an ignore covers again, because the clock was set back to before its end, opens
// nothing until that comes.
func TestAnIgnoreHoldsThoughTheClockIsSetBack(t *testing.T) {
	r := newRig(t, `
feeds:
  - name: f
    retention: 7d
    escalation: on-call
    ignore:
      - {match: ['client="a1"'], reason: until soon, until: 2025-11-24T00:20:00Z}
    rules:
      - {name: groups, per: cluster, stale_after: 1h}
      - {name: whole, per: feed, stale_after: 1h}
      - {name: rest, stale_after: 6m, active: {hours: ["00:05-00:17", "00:25-23:50"], timezone: UTC}}
`+onCall)
	r.beat("a", 1, "cluster", "x")
	r.to(20*time.Minute + 30*time.Second)
	r.setBack(time.Minute)
	checkInvariants(t, r.m)
	r.to(19*time.Minute + 59*time.Second)
	if all := r.open(); len(all) != 0 {
		t.Errorf("while it is ignored: %v", scopesOf(all))
	}
	r.to(26 * time.Minute)
	checkInvariants(t, r.m)
	if len(r.open()) == 0 {
		t.Error("nothing is open once it is watched again")
	}
}
