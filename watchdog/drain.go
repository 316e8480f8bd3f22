package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// drain follows how the backlog behind an incident is worked off: the smallest
// event time that arrived for its series that are behind, window by window.
type drain struct {
	begin  feed.Instant // of the open window
	due    feed.Instant // when the open window closes
	low    feed.Instant // smallest event time that arrived in the open window; zero: none did
	last   feed.Instant // the last of those arrivals
	points []drainPoint // closed windows, oldest first
	said   [2]feed.Instant
}

// drainPoint is a closed window: it began at, and what arrived first or was
// oldest in it was made at low.
type drainPoint struct {
	at  feed.Instant
	low feed.Instant
}

// heard takes an arrival for a series that is behind.
func (d *drain) heard(arrival, event feed.Instant) {
	d.last = max(d.last, arrival)
	if d.low.IsZero() || event < d.low {
		d.low = event
	}
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
		if inc.scopeAt == m.now { // a member may have stopped
			inc.followBehindLoss(never)
		}
		return
	}
	lowest, length, ok := m.behind(inc)
	if !ok {
		return
	}
	low, begin, opening := d.low, d.begin, d.due.IsZero()
	d.begin, d.due, d.low = m.now, m.now.Add(length), 0
	if opening { // no window has passed: nothing to measure by yet
		inc.CatchUp = &CatchUp{Event: lowest, Lag: m.now.Sub(lowest)}
		inc.dirty = true
		m.measureBehindLoss(inc)
		d.low, d.last = low, m.now // what made it look belongs to the window that opens
		return
	}
	if low.IsZero() { // nothing arrived to measure by
		if m.now.Sub(d.last) < windowsMax*length {
			lowest = never // a speed may still be measured
		}
		inc.followBehindLoss(lowest)
		return
	}
	d.points = append(d.points, drainPoint{begin, low})
	if len(d.points) > windowsMax {
		d.points = d.points[1:]
	}
	up := d.progress(m.now)
	inc.CatchUp = &up
	inc.dirty = true
	m.sayETA(inc)
	m.measureBehindLoss(inc)
}

// measureBehindLoss sets when loss begins for an incident that falls behind, by the
// speed that was just measured.
func (m *Machine) measureBehindLoss(inc *incident) {
	if inc.Cause != CauseBehind {
		return
	}
	m.lostBehind(inc, inc.CatchUp)
	inc.runBehindLoss()
}

// runBehindLoss sets when loss begins by the speed that was measured last.
func (inc *incident) runBehindLoss() {
	inc.Loss.Begins, inc.dirty = 0, true
	if inc.CatchUp != nil {
		inc.Loss.Begins = inc.CatchUp.lossBegins(inc.Loss.Retention)
	}
	inc.followBehindLoss(never)
}

// followBehindLoss lets loss begin earlier for what has stopped altogether: that has no
// speed, and begins to be lost at its last update + retention. stopped is the event time
// of all of them where nothing came for as long as a speed is measured over, else never.
func (inc *incident) followBehindLoss(stopped feed.Instant) {
	l := &inc.Loss
	if inc.Cause != CauseBehind || l.Retention == 0 {
		return
	}
	inc.feed.membersOf(inc, func(_ rowID, b *block, i int) {
		switch {
		case b.rows[i].verdict != Stale:
		case b.rows[i].event.IsZero():
			stopped = min(stopped, b.reference(i))
		default:
			stopped = min(stopped, b.rows[i].event)
		}
	})
	if begins := stopped.Add(l.Retention); stopped != never && (l.Begins.IsZero() || begins < l.Begins) {
		l.Begins, inc.dirty = begins, true
	}
}

// behind says of the incident's series that are followed what their smallest
// event time is, and how long a window must be for each of them to have its own
// in it.
func (m *Machine) behind(inc *incident) (low feed.Instant, length time.Duration, ok bool) {
	low, length = never, inc.window()
	f := inc.feed
	for id, t := range f.tracks {
		b, i := f.blocks[id.block()], id.place()
		if b.rows[i].in != inc.seq {
			continue
		}
		if e, has := t.low(); has {
			low, ok = min(low, e), true
		}
		if r := f.ruleOf(b, i); r != nil {
			length = max(length, windowOf(r.LagOver()))
		}
	}
	return low, length, ok
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
		up.From, up.To = last.eta(fast), last.eta(max(slow, speedCatching))
	}
	return up
}

func speedBetween(a, b drainPoint) float64 {
	if b.at == a.at {
		return 0
	}
	return float64(b.low-a.low) / float64(b.at-a.at)
}

// eta is when event time is current at speed v: the age that it had when the
// window began, over what is gained of it.
func (p drainPoint) eta(v float64) feed.Instant {
	return p.at.Add(time.Duration(float64(p.at.Sub(p.low)) / (v - 1)))
}

// lossBegins is when updates start to be deleted unread while falling behind:
// margin / (1 - v) after the lag was measured; zero where that is not so.
func (c *CatchUp) lossBegins(retention time.Duration) feed.Instant {
	if retention == 0 || c.Speed >= speedBehind {
		return 0
	}
	margin := max(retention-c.Lag, 0)
	return c.Event.Add(c.Lag).Add(time.Duration(float64(margin) / (1 - c.Speed)))
}

// sayETA writes the ETA into the timeline when it is first known, and when it
// leaves the range that was said by more than a window and a twentieth of the
// time that is left: nobody is to read each wobble of a speed.
func (m *Machine) sayETA(inc *incident) {
	up := inc.CatchUp
	if up.From.IsZero() {
		return
	}
	said := &inc.drain.said
	middle := up.From + (up.To-up.From)/2
	slack := max(feed.Instant(inc.window()/time.Millisecond), (middle-m.now)/20)
	if !said[0].IsZero() && middle >= said[0]-slack && middle <= said[1]+slack {
		return
	}
	*said = [2]feed.Instant{up.From, up.To}
	m.record(inc, Event{Kind: EventCatchUp, From: up.From, Until: up.To})
}
