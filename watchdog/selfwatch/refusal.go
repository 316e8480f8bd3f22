package selfwatch

import (
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// refusalStands is how long rule files are refused before somebody is told: a save in
// the middle of typing, or a checkout, is nobody's business. What is told is brought
// up to date as seldom.
const refusalStands = time.Minute

// Rules are those in force, and why the files are not; Refusal is "" where they are.
type Rules struct {
	Version string
	Since   feed.Instant
	Refusal string // in one line
}

// refusal is what is known of rule files that are refused.
type refusal struct {
	incident *watchdog.Incident // nil: none is open
	since    feed.Instant       // when it was seen first; zero: they are not refused
	told     feed.Instant       // when the incident was made or revised
}

// LookAtRules compares the rules with what was said of them, and returns the incident
// about them if it changed, else nil.
func (w *Watch) LookAtRules(now feed.Instant, is Rules, all []delivery.TargetStatus) *watchdog.Incident {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refusal.look(now, is, all, w.install)
}

func (r *refusal) look(now feed.Instant, is Rules, all []delivery.TargetStatus, install string) *watchdog.Incident {
	if is.Refusal == "" {
		r.since = 0
		if r.incident == nil {
			return nil
		}
		inc := resolved(r.incident, now, now)
		r.incident = nil
		return inc
	}
	if r.since.IsZero() {
		r.since = now
	}
	before := r.incident
	why := bounded(is.Refusal)
	switch {
	case r.incident == nil && now.Sub(r.since) >= refusalStands:
		r.open(now, is, why, install)
	case r.incident != nil && r.incident.Failure != why && now.Sub(r.told) >= refusalStands:
		inc := *r.incident
		inc.Failure = why
		inc.Revision++
		r.incident, r.told = &inc, now
	}
	if r.incident != nil && len(r.incident.Pages) == 0 {
		if targets := readers(now, all); len(targets) > 0 {
			r.incident = paging(r.incident, now, targets)
		}
	}
	if r.incident == before {
		return nil
	}
	return r.incident
}

func (r *refusal) open(now feed.Instant, is Rules, why, install string) {
	inc := watchdog.NewOwn(install, "rules", now)
	inc.Cause, inc.Severity = watchdog.CauseRefused, rules.Warning
	inc.Opened, inc.Since, inc.Anchor, inc.Failure = r.since, is.Since, is.Version, why
	inc.Record(watchdog.Event{At: now, Kind: watchdog.EventOpened, Note: why})
	r.incident, r.told = inc, now
}

// readers are the notifiers that people read and that work. Nobody is woken because
// of a typing error, unless there is no other way to tell anybody.
func readers(now feed.Instant, all []delivery.TargetStatus) []rules.Target {
	var read, wake, fail []rules.Target
	for i := range all {
		switch t := &all[i]; {
		case t.Parked != "":
		case !t.FailingSince.IsZero() && now.Sub(t.FailingSince) >= resolveAfter:
			fail = append(fail, t.Target)
		case t.Alerts:
			wake = append(wake, t.Target)
		default:
			read = append(read, t.Target)
		}
	}
	for _, best := range [][]rules.Target{read, wake} {
		if len(best) > 0 {
			return best
		}
	}
	return fail // what failed last may have mended: only a message shows
}
