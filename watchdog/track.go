package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// track follows the event time of one series while that lags or stands still.
// Only such series have one, so a fleet that is current pays nothing.
type track struct {
	// Standing still.
	base    feed.Instant // event time came so far before: what is not past it is no progress
	still   feed.Instant // the arrival at which event time last advanced; zero: it advances
	repeats int          // arrivals since
	seen    feed.Instant // the newest arrival

	// Behind. Windows of wall time, oldest first; the last is still open.
	windows []window
	held    Verdict // CatchingUp or FallingBehind: what was measured last; Unwatched: nothing yet
}

// window is what arrived in one stretch of wall time.
type window struct {
	begin feed.Instant
	low   feed.Instant  // smallest event time: one live update amid a backlog is not current
	worst time.Duration // largest event age at arrival
}

const (
	// A speed is measured over windowsMax windows at most: with windows of 5
	// minutes the 5 to 15 minutes of the design.
	windowsMax = 4
	windowMax  = 5 * time.Minute
	windowMin  = time.Second

	frozenArrivals = 3
	speedBehind    = 0.95
	speedCatching  = 1.05
)

// windowOf is the length of a window for a rule: a quarter of lag_over, so that
// rules in seconds are measured in seconds too, at most 5 minutes.
func windowOf(lagOver time.Duration) time.Duration {
	return min(max(lagOver/4, windowMin), windowMax)
}

// beat takes an arrival with an event time. before is the series' last arrival,
// highest its highest event time until now, base how far that had come before the
// trouble that it was in, if resumed says that it was in any; else highest.
// It returns nil when nothing needs following any more.
func (t *track) beat(arrival, event, before, highest, base feed.Instant, r *rules.Rule, resumed bool) *track {
	lagOver, age := r.LagOver(), r.Active().Between(event, arrival)
	if t == nil {
		if age <= lagOver && (event > highest || before <= 0) {
			return nil
		}
		t = &track{base: base}
		if resumed {
			t.held = CatchingUp // a backlog after a silence drains until measured otherwise
		}
	}
	t.seen = max(t.seen, arrival)
	// A replay is no progress, however fast. A backlog is past the base: that moves
	// with the low end of what has drained, not with a live update amid it.
	switch {
	case event > t.base || before <= 0:
		t.still, t.repeats = 0, 0
	case t.still.IsZero() && resumed: // it may begin at a checkpoint before what it had delivered
		t.still, t.repeats = arrival, 1
	case t.still.IsZero():
		t.still, t.repeats = before, 1
	default:
		t.repeats++
	}
	if age > lagOver || len(t.windows) > 0 {
		t.follow(arrival, event, age, windowOf(lagOver))
	}
	if t.still.IsZero() && t.current(arrival, lagOver) {
		return nil
	}
	return t
}

func (t *track) follow(arrival, event feed.Instant, age, length time.Duration) {
	last := len(t.windows) - 1
	if last >= 0 && arrival.Sub(t.windows[last].begin) < length {
		w := &t.windows[last]
		w.low = min(w.low, event)
		w.worst = max(w.worst, age)
		return
	}
	if last >= 0 {
		t.base = max(t.base, t.windows[last].low)
	}
	if len(t.windows) == windowsMax+1 {
		t.windows = append(t.windows[:0], t.windows[1:]...)
	}
	t.windows = append(t.windows, window{begin: arrival, low: event, worst: age})
	if v, ok := t.speed(); ok {
		switch {
		case v > speedCatching:
			t.held = CatchingUp
		case v < speedBehind || t.held == Unwatched:
			t.held = FallingBehind
		}
	}
}

// current says that nothing in the open window and in the one before it, if that
// is recent, was behind.
func (t *track) current(now feed.Instant, lagOver time.Duration) bool {
	n := len(t.windows)
	if n == 0 {
		return true
	}
	if t.windows[n-1].worst > lagOver {
		return false
	}
	recent := n > 1 && now.Sub(t.windows[n-2].begin) <= 2*windowOf(lagOver)
	return !recent || t.windows[n-2].worst <= lagOver
}

// speed is v, the progress of the low event time per wall time, over the closed
// windows; false until there are two.
func (t *track) speed() (float64, bool) {
	closed := len(t.windows) - 1
	if closed < 2 {
		return 0, false
	}
	a, b := t.windows[0], t.windows[closed-1]
	return float64(b.low-a.low) / float64(b.begin-a.begin), true
}

// low is the event time to go by: the smallest of the last window.
func (t *track) low() (feed.Instant, bool) {
	n := len(t.windows)
	switch n {
	case 0:
		return 0, false
	case 1:
		return t.windows[0].low, true
	default:
		return min(t.windows[n-1].low, t.windows[n-2].low), true
	}
}

// verdict is frozen, falling_behind, catching_up, or late while behind and not
// yet measured; false when the track says nothing.
func (t *track) verdict(r *rules.Rule) (Verdict, bool) {
	if t == nil {
		return 0, false
	}
	if t.frozen(r) {
		return Frozen, true
	}
	if len(t.windows) == 0 || t.current(t.seen, r.LagOver()) {
		return 0, false
	}
	if t.held == Unwatched {
		return Late, true
	}
	return t.held, true
}

// frozen: for max(lag_over of active time, 3 arrivals) event time did not advance.
func (t *track) frozen(r *rules.Rule) bool {
	return !t.still.IsZero() && t.repeats >= frozenArrivals && t.seen >= t.frozenSince(r)
}

// stands says that the last arrival was no progress, be it enough to be frozen or not.
func (t *track) stands() bool { return t != nil && !t.still.IsZero() }

// frozenSince is the instant at which it came to count as frozen.
func (t *track) frozenSince(r *rules.Rule) feed.Instant {
	return r.Active().After(t.still, r.LagOver())
}
