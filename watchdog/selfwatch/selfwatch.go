package selfwatch

import (
	"fmt"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const (
	// resolveAfter is how long a notifier that took something must do before its
	// incident ends: what comes and goes is one incident. One that is not asked to
	// tell anything is not known to work.
	resolveAfter = 5 * time.Minute
	// refusedFor is for how long a message that was given up keeps one open.
	refusedFor = time.Hour
	// reasonRunesMax bounds what is kept of a reason.
	reasonRunesMax = 500
)

// Watch holds the incidents about notifiers, one for each at most, those about
// escalations on which nobody answered a drill, and the one about rule files that are
// refused. Find and Drilled may be called from any goroutine, Look and LookAtRules
// from one.
type Watch struct {
	install string

	mu   sync.Mutex
	open map[string]*state // by the name of what it is about

	refusal refusal
}

// state is what is known of one notifier, or of one escalation.
type state struct {
	incident *watchdog.Incident // nil: none is open
	dead     int                // messages given up, when it was looked at last
	deadAt   feed.Instant
	badAt    feed.Instant // when it was seen to be bad last
	drill    Finding
}

// Finding is what a drill found of a notifier ("slack/cdp-alerts") or of an escalation
// ("escalation/cdp-on-call").
type Finding struct {
	About string
	Drill string // the id of its incident
	At    feed.Instant
	Why   string // it does not work; "" where it does
	// Swallowed says that what was accepted did not arrive: only another drill shows
	// that it does again. What was not accepted is over once something is.
	Swallowed bool
}

// New makes a Watch that goes on with what was open before.
func New(install string, saved []*watchdog.Incident) *Watch {
	w := &Watch{install: install, open: map[string]*state{}}
	for _, inc := range saved {
		switch {
		case !Ours(inc) || inc.State == watchdog.StateResolved:
		case inc.Cause == watchdog.CauseRefused:
			w.refusal.incident = inc
		case inc.Source != "":
			w.open[inc.Source] = &state{incident: inc, badAt: inc.Opened}
		}
	}
	return w
}

// Drilled takes what a drill found; it holds until the next finding of the same.
func (w *Watch) Drilled(f Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at(f.About).drill = f
}

// at is the state of what is called about. The caller holds w.mu.
func (w *Watch) at(about string) *state {
	s := w.open[about]
	if s == nil {
		s = &state{}
		w.open[about] = s
	}
	return s
}

// Ours says that an incident is about feedwatch itself, and none of the machine's.
func Ours(inc *watchdog.Incident) bool { return inc.Cause.OfItself() }

// Find is the open incident with that id; nil: it is none of ours.
func (w *Watch) Find(id string) *watchdog.Incident {
	w.mu.Lock()
	defer w.mu.Unlock()
	if inc := w.refusal.incident; inc != nil && inc.ID == id {
		return inc
	}
	for _, s := range w.open {
		if s.incident != nil && s.incident.ID == id {
			return s.incident
		}
	}
	return nil
}

// Look compares how all notifiers are doing, and what drills found of them and of
// the escalations that there are, with what was said, and returns the incidents that
// changed.
func (w *Watch) Look(now feed.Instant, all []delivery.TargetStatus, escalations []string) (changed []*watchdog.Incident) {
	w.mu.Lock()
	defer w.mu.Unlock()
	there := map[string]bool{}
	look := func(about string, t *delivery.TargetStatus) {
		there[about] = true
		if inc := w.at(about).look(now, about, t, all, w.install); inc != nil {
			changed = append(changed, inc)
		}
	}
	for i := range all {
		look(all[i].Target.String(), &all[i])
	}
	for _, about := range escalations { // nothing is sent to one: what the last drill says holds
		look(about, &delivery.TargetStatus{LastSuccess: now})
	}
	for about, s := range w.open { // one that is no longer configured
		if s.incident != nil && !there[about] {
			changed = append(changed, s.resolve(now))
		}
		if !there[about] {
			delete(w.open, about)
		}
	}
	return changed
}

// look is the incident about a notifier or an escalation if it changed.
func (s *state) look(now feed.Instant, about string, t *delivery.TargetStatus, all []delivery.TargetStatus, install string) *watchdog.Incident {
	why := s.bad(now, t)
	if why != "" {
		s.badAt = now
	}
	switch {
	case why != "" && s.incident == nil:
		s.incident = opened(now, about, why, install)
		if why == s.drill.Why {
			s.incident.FoundBy = s.drill.Drill
		}
		s.page(now, all)
		return s.incident
	case why != "" && len(s.incident.Pages) == 0 && s.page(now, all):
		return s.incident
	case why == "" && s.incident != nil && now.Sub(s.badAt) >= resolveAfter && t.LastSuccess >= s.badAt:
		return s.resolve(now)
	}
	return nil
}

// bad is why t does not do; "" where it does.
func (s *state) bad(now feed.Instant, t *delivery.TargetStatus) string {
	if t.Dead > s.dead {
		s.deadAt = now
	}
	s.dead = t.Dead
	switch {
	case t.Parked != "":
		return "It refuses what feedwatch sends: " + t.Parked
	case t.Dead > 0 && now.Sub(s.deadAt) < refusedFor:
		return fmt.Sprintf("It refused a message, or some of its recipients (%d so far): %s", t.Dead, t.DeadReason)
	case !s.drill.Swallowed && t.LastSuccess > s.drill.At:
		return ""
	}
	return s.drill.Why
}

func opened(now feed.Instant, about, why, install string) *watchdog.Incident {
	inc := watchdog.NewOwn(install, about, now)
	inc.Cause, inc.Severity = watchdog.CauseUnheard, rules.Error
	inc.Since, inc.Anchor, inc.Source, inc.Failure = now, about, about, bounded(why)
	inc.Record(watchdog.Event{At: now, Kind: watchdog.EventOpened})
	return inc
}

func bounded(why string) string {
	if runes := []rune(why); len(runes) > reasonRunesMax {
		return string(runes[:reasonRunesMax]) + "…"
	}
	return why
}

// page tells everybody else whose notifier works; false: there is nobody yet.
func (s *state) page(now feed.Instant, all []delivery.TargetStatus) bool {
	var others []rules.Target
	for i := range all {
		if t := &all[i]; t.Parked == "" && t.Target.String() != s.incident.Source {
			others = append(others, t.Target)
		}
	}
	if len(others) == 0 {
		return false
	}
	s.incident = paging(s.incident, now, others)
	return true
}

// paging is the incident with its page.
func paging(of *watchdog.Incident, now feed.Instant, targets []rules.Target) *watchdog.Incident {
	inc := *of
	inc.PageOnce(now, targets)
	return &inc
}

func (s *state) resolve(now feed.Instant) *watchdog.Incident {
	inc := resolved(s.incident, s.badAt, now)
	s.incident = nil
	return inc
}

func resolved(of *watchdog.Incident, well, now feed.Instant) *watchdog.Incident {
	inc := *of
	inc.State, inc.WellSince, inc.Resolved = watchdog.StateResolved, well, now
	inc.Record(watchdog.Event{At: now, Kind: watchdog.EventResolved})
	return &inc
}
