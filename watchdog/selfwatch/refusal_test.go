package selfwatch

import (
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
)

// refusing is rule files under a watch of three notifiers.
type refusing struct {
	*rig
	is Rules
}

func newRefusing(t *testing.T) *refusing {
	r := newRig(t)
	r.all[0].Alerts = true
	return &refusing{r, Rules{Version: "7f3a9c000000", Since: r.now.Add(-time.Hour)}}
}

// look goes on by d, looking each second, and returns what changed.
func (r *refusing) look(d time.Duration) (changed []*watchdog.Incident) {
	for end := r.now.Add(d); r.now < end; {
		r.now = r.now.Add(time.Second)
		if inc := r.w.LookAtRules(r.now, r.is, r.all); inc != nil {
			changed = append(changed, inc)
		}
	}
	return changed
}

// TestRefusedRules: what stands for a minute is told once to those who read, is kept
// up to date, and is over with a set that is taken.
func TestRefusedRules(t *testing.T) {
	r := newRefusing(t)
	r.none(r.look(time.Minute))
	r.is.Refusal = "a.yaml:1:1: unknown key"
	began := r.now.Add(time.Second)
	r.none(r.look(time.Minute))
	inc := r.one(r.look(24 * time.Hour))
	if paged(inc) != "slack/a console/t" || inc.Opened != began || inc.Since != r.is.Since || inc.Anchor != r.is.Version || inc.Failure != r.is.Refusal || !Ours(inc) {
		t.Errorf("incident %+v", inc)
	}
	if r.w.Find(inc.ID) != inc {
		t.Error("Find does not know it")
	}
	r.is.Refusal = "a.yaml:2:1: " + strings.Repeat("long ", 1000)
	next := r.one(r.look(time.Hour))
	if next.ID != inc.ID || next.Revision <= inc.Revision || len(next.Pages) != 1 || len(next.Failure) > 2*reasonRunesMax || !strings.HasPrefix(next.Failure, "a.yaml:2:1") {
		t.Errorf("incident %+v, want the new findings in it", next)
	}
	if !strings.HasPrefix(inc.Failure, "a.yaml:1:1") {
		t.Error("a picture that was handed out changed")
	}
	r.is.Refusal = ""
	over := r.one(r.look(time.Hour))
	if over.ID != inc.ID || over.State != watchdog.StateResolved || over.Events[len(over.Events)-1].Kind != watchdog.EventResolved {
		t.Errorf("incident %+v, want it resolved", over)
	}
	r.is.Refusal = "a.yaml:1:1: unknown key"
	if again := r.one(r.look(time.Hour)); again.ID == inc.ID {
		t.Error("an id is used twice")
	}
}

// TestRefusedWhileTyping: what is mended within the minute is told to nobody, and
// what changes each second is told nonetheless, once a minute at most.
func TestRefusedWhileTyping(t *testing.T) {
	r := newRefusing(t)
	for range 10 {
		r.is.Refusal = "a.yaml:1:1: unknown key"
		r.none(r.look(50 * time.Second))
		r.is.Refusal = ""
		r.none(r.look(time.Second))
	}
	told := 0
	for i := range 300 {
		r.is.Refusal = "a.yaml:1:1: unknown key" + strings.Repeat("x", i)
		told += len(r.look(time.Second))
	}
	if told != 4 {
		t.Errorf("told %d times in 5 minutes, want 4", told)
	}
}

// TestRefusedRestart: what was open goes on without being told again, and is over
// where the restart found a set that it takes.
func TestRefusedRestart(t *testing.T) {
	r := newRefusing(t)
	r.is.Refusal = "a.yaml:1:1: unknown key"
	inc := r.one(r.look(time.Hour))
	r.w = New("example", []*watchdog.Incident{inc})
	r.none(r.rig.look(time.Minute)) // it is about no notifier
	r.none(r.look(time.Hour))
	r.is.Refusal = ""
	over := r.one(r.look(time.Minute))
	if over.ID != inc.ID || over.State != watchdog.StateResolved {
		t.Errorf("incident %+v, want it resolved", over)
	}
	r.w = New("example", []*watchdog.Incident{over})
	r.none(r.look(time.Minute))
}

// TestRefusedReaders: only where nobody reads, those are told who are woken, and the
// first that can be where nobody can.
func TestRefusedReaders(t *testing.T) {
	r := newRefusing(t)
	r.is.Refusal = "a.yaml:1:1: unknown key"
	r.all[1].Parked, r.all[2].FailingSince = "HTTP 401", r.now.Add(-time.Hour)
	if got := paged(r.one(r.look(time.Hour))); got != "pagerduty/cdp" {
		t.Errorf("paged %q", got)
	}
	r.w, r.all[0].Parked = New("example", nil), "HTTP 401"
	if got := paged(r.one(r.look(time.Hour))); got != "console/t" {
		t.Errorf("paged %q", got)
	}
	r.w, r.all[2].Parked = New("example", nil), "no way"
	if got := paged(r.one(r.look(time.Hour))); got != "" {
		t.Errorf("paged %q", got)
	}
	r.all[1].Parked = ""
	if got := paged(r.one(r.look(time.Hour))); got != "slack/a" {
		t.Errorf("paged %q", got)
	}
}
