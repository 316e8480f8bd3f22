package watchdog

import (
	"slices"
	"testing"
	"time"
)

// startBack crashes after a flush and starts again with the clock set back by d.
func (r *rig) startBack(yaml string, d time.Duration) {
	r.t.Helper()
	flush := mustFlush(r)
	saved := &Saved{Blocks: flush.Blocks, Through: flush.Through, Incidents: r.m.Incidents(), Silences: r.m.Silences(), Restarts: r.m.restarts}
	r.now = r.now.Add(-d)
	saved.Restarts = append(slices.Clone(saved.Restarts), Restart{At: r.now, Through: min(r.now, flush.Through)})
	r.m = New(Config{Install: "test", Sources: r.m.cfg.Sources}, r.now, saved)
	r.step(&UseRules{Set: parse(r.t, yaml)})
}

var setBacks = []time.Duration{time.Second, time.Minute, 4 * time.Minute, 20 * time.Minute, 3 * time.Hour}

func TestAClockSetBackBeforeAStartHidesNoSilence(t *testing.T) {
	for _, d := range setBacks {
		r := newRig(t, plain)
		r.to(4 * time.Hour)
		r.beat("a", 3)
		r.to(4*time.Hour + 3*time.Minute)
		r.startBack(plain, d)
		checkInvariants(t, r.m)
		r.to(4*time.Hour + 10*time.Minute + time.Second - d)
		if inc := r.only(); inc.Opened != noon.Add(4*time.Hour+10*time.Minute-d) || len(inc.Pages) != 1 {
			t.Errorf("%s back: opened %s with %v", d, inc.Opened, pages(inc))
		}
	}
}

func TestARestartOfTheFutureGivesNoGraceUntilThen(t *testing.T) {
	for _, d := range setBacks {
		r := newRig(t, plain)
		r.to(4 * time.Hour)
		r.beat("a", 3)
		r.now = r.now.Add(d) // the clock is set forward: nobody looked until then
		r.m.Wake(r.now)
		r.step()
		r.beat("a", 3)
		r.startBack(plain, d)
		r.beat("a", 3)
		r.to(4*time.Hour + 11*time.Minute)
		if inc := r.only(); inc.Opened != noon.Add(4*time.Hour+10*time.Minute) {
			t.Errorf("%s back: opened %s", d, inc.Opened)
		}
	}
}

func TestAnIncidentGoesOnOverAStartWithAClockSetBack(t *testing.T) {
	for _, d := range setBacks {
		r := newRig(t, plain)
		r.to(4 * time.Hour)
		r.beat("a", 3)
		r.to(4*time.Hour + 12*time.Minute)
		id := r.only().ID
		r.startBack(plain, d)
		r.to(4*time.Hour + 16*time.Minute - d)
		inc := r.only()
		want := []string{(4*time.Hour + 10*time.Minute - d).String() + " opened", (4*time.Hour + 15*time.Minute - d).String() + " not_acknowledged"}
		if inc.ID != id || inc.State != StateOpen || !slices.Equal(pages(inc), want) {
			t.Errorf("%s back: %s %s: %v, want %s open: %v", d, inc.ID, inc.State, pages(inc), id, want)
		}
		r.to(5*time.Hour - d)
		if inc := r.only(); inc.ID != id || inc.State != StateOpen {
			t.Errorf("%s back: later %s %s", d, inc.ID, inc.State)
		}
		checkInvariants(t, r.m)
	}
}

func TestASilenceHoldsOverAStartWithAClockSetBack(t *testing.T) {
	r := newRig(t, plain)
	r.to(4 * time.Hour)
	r.beat("a", 3)
	r.step(silenceFor(`feed="f"`, 4*time.Hour, 6*time.Hour))
	r.to(4*time.Hour + 5*time.Minute)
	r.startBack(plain, time.Hour)
	r.to(5 * time.Hour)
	r.wantPages()
}
