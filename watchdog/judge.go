package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// facts are what a verdict is derived from.
type facts struct {
	rule    *rules.Rule
	arrival feed.Instant // A; minus the instant since when it is expected, if never seen
	horizon feed.Instant // the known-through of its sources: nothing after it is known
	grace   feed.Instant // not stale before this, after a restart; zero: no grace
	track   *track       // nil unless event time lags or stands still
	open    bool         // it is in trouble already, or in an incident
}

// judge says what the rule says of a series at its horizon, and when that can
// change if nothing arrives. It does not know of blind sources: those lie over
// the verdicts of all their series at once.
func judge(f facts) (v Verdict, due feed.Instant) {
	reference := f.arrival
	if reference < 0 {
		reference = -reference
	}
	deadline := f.rule.Deadline(reference)
	if deadline.IsZero() {
		deadline = never // the schedule has no further run
	}
	if f.horizon >= deadline {
		if f.horizon < f.grace {
			return Blind, f.grace
		}
		return Stale, never
	}
	if f.arrival < 0 {
		return Pending, deadline
	}
	active := f.rule.Active()
	if v, ok := f.track.verdict(f.rule); ok {
		if next := active.Next(f.horizon); v.Opens() && !f.open && next > f.horizon {
			return Late, min(deadline, next) // outside of active hours nothing opens
		}
		return v, deadline
	}
	if warn := f.rule.WarnAfter(); warn > 0 && f.rule.Expect() == nil {
		if late := active.After(f.arrival, warn); f.horizon < late {
			return Fresh, min(late, deadline)
		}
		return Late, deadline
	}
	return Fresh, deadline
}

// graceMax bounds the grace that a series gets after a restart.
const graceMax = 5 * time.Minute

// grace is the instant before which a series is not called stale because we were
// down when its deadline passed: the first restart after its last arrival, plus
// min(stale_after, 5 min). Later restarts do not postpone it. A deadline that the
// watermarks on disk already covered gets none: that silence was seen.
func (m *Machine) grace(rule *rules.Rule, reference feed.Instant, set uint8) feed.Instant {
	for _, r := range m.restarts {
		if r.At < reference || r.Source != "" && !m.sources.hears(set, r.Source) {
			continue
		}
		if d := rule.Deadline(reference); d.IsZero() || d <= r.Through {
			return 0
		}
		return r.At.Add(min(rule.StaleAfter(), graceMax))
	}
	return 0
}
