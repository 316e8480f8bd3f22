package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// drain follows how the backlog behind an incident is worked off: the smallest
// event time among its series, window by window.
type drain struct {
	due    feed.Instant // when the present window closes
	points []drainPoint // ends of closed windows, oldest first
	said   [2]feed.Instant
}

type drainPoint struct {
	at  feed.Instant
	low feed.Instant
}

// window is the length over which the incident's speeds are measured.
func (inc *incident) window() time.Duration {
	if inc.rule == nil {
		return windowMax
	}
	return windowOf(inc.rule.LagOver())
}

// first says whether an arrival falls in the first window after resumption.
func (d *drain) first(arrival, resumed feed.Instant, length time.Duration) bool {
	return arrival < resumed.Add(length)
}

// followDrain keeps CatchUp while series of the incident are behind.
func (m *Machine) followDrain(inc *incident) {
	if inc.Cause == CauseBlind || inc.unwell == 0 || len(inc.feed.tracks) == 0 {
		if inc.CatchUp != nil {
			inc.CatchUp = nil
			inc.dirty = true
		}
		inc.drain = drain{}
		return
	}
	d := &inc.drain
	if m.now < d.due {
		return
	}
	low, ok := m.lowest(inc)
	if !ok {
		return
	}
	opening := d.due.IsZero()
	d.due = m.now.Add(inc.window())
	if opening { // no window has passed: nothing to measure by yet
		inc.CatchUp = &CatchUp{Event: low, Lag: m.now.Sub(low)}
		inc.dirty = true
		return
	}
	d.points = append(d.points, drainPoint{m.now, low})
	if len(d.points) > windowsMax {
		d.points = d.points[1:]
	}
	up := d.progress(m.now)
	inc.CatchUp = &up
	inc.dirty = true
	m.sayETA(inc)
	if inc.Cause == CauseBehind {
		inc.Loss.Begins = up.lossBegins(m.now, inc.Loss.Retention)
	}
}

// lowest is the smallest event time to go by among the incident's series.
func (m *Machine) lowest(inc *incident) (feed.Instant, bool) {
	low, found := never, false
	for id, t := range inc.feed.tracks {
		if inc.feed.blocks[id.block()].in[id.place()] != inc.seq {
			continue
		}
		if e, ok := t.low(); ok {
			low, found = min(low, e), true
		}
	}
	return low, found
}

// progress is the speed over all windows, and the ETA as the range that the
// single windows give: event age / (v - 1).
func (d *drain) progress(now feed.Instant) CatchUp {
	last := d.points[len(d.points)-1]
	up := CatchUp{Event: last.low, Lag: now.Sub(last.low)}
	if len(d.points) < 2 {
		return up
	}
	up.Speed = speedBetween(d.points[0], last)
	slow, fast := up.Speed, up.Speed
	for i := 1; i < len(d.points); i++ {
		v := speedBetween(d.points[i-1], d.points[i])
		slow, fast = min(slow, v), max(fast, v)
	}
	if up.Speed > speedCatching && len(d.points) > 2 {
		up.From, up.To = up.eta(now, fast), up.eta(now, max(slow, speedCatching))
	}
	return up
}

func speedBetween(a, b drainPoint) float64 {
	if b.at == a.at {
		return 0
	}
	return float64(b.low-a.low) / float64(b.at-a.at)
}

func (c *CatchUp) eta(now feed.Instant, v float64) feed.Instant {
	return now.Add(time.Duration(float64(c.Lag) / (v - 1)))
}

// lossBegins is when updates start to be deleted unread while falling behind:
// margin / (1 - v) from now; zero where that is not so.
func (c *CatchUp) lossBegins(now feed.Instant, retention time.Duration) feed.Instant {
	if retention == 0 || c.Speed >= speedBehind {
		return 0
	}
	margin := max(retention-c.Lag, 0)
	return now.Add(time.Duration(float64(margin) / (1 - c.Speed)))
}

// sayETA writes the ETA into the timeline when it is first known, and when it
// leaves the range that was said.
func (m *Machine) sayETA(inc *incident) {
	up := inc.CatchUp
	if up.From.IsZero() {
		return
	}
	said := &inc.drain.said
	middle := up.From + (up.To-up.From)/2
	slack := feed.Instant(inc.window() / time.Millisecond)
	if !said[0].IsZero() && middle >= said[0]-slack && middle <= said[1]+slack {
		return
	}
	*said = [2]feed.Instant{up.From, up.To}
	m.record(inc, Event{Kind: EventCatchUp, From: up.From, Until: up.To})
}
