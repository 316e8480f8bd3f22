package rules

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// WindowMax is how long a maintenance may last at most: a forgotten one must
// not end a watch.
const WindowMax = 31 * 24 * time.Hour

// Maintenance is a time known in advance in which certain series may be silent:
// windows on a schedule, or one. Only rule files make one.
type Maintenance struct {
	name     string
	match    Selector
	schedule *Schedule // nil: once is the only window
	duration time.Duration
	once     Window
	pos      Pos
}

// Window is a stretch of time: From belongs to it, To does not.
type Window struct{ From, To feed.Instant }

// Name is unique within the set.
func (m *Maintenance) Name() string { return m.name }

// Match picks the series that the maintenance is for.
func (m *Maintenance) Match() Selector { return m.match }

// Pos is where the maintenance stands.
func (m *Maintenance) Pos() Pos { return m.pos }

// Matches says whether the maintenance is for a series.
func (m *Maintenance) Matches(feedName, client string, labels feed.Labels) bool {
	return m.match.Matches(feedName, client, labels)
}

// Window is the window that holds at t. A window begins when its schedule says,
// on the clock of its timezone, and lasts its duration in elapsed time: a window
// that a change of the clock falls into is not shorter or longer for it. Where
// that change makes two meet, the earlier is given until it ends.
func (m *Maintenance) Window(t feed.Instant) (w Window, ok bool) {
	w = m.once
	if m.schedule != nil {
		if w, ok = m.Next(t.Add(-m.duration)); !ok {
			return Window{}, false
		}
	}
	if t < w.From || t >= w.To {
		return Window{}, false
	}
	return w, true
}

// Next is the first window that begins after t; not ok when there is none.
func (m *Maintenance) Next(t feed.Instant) (w Window, ok bool) {
	if m.schedule == nil {
		if t >= m.once.From {
			return Window{}, false
		}
		return m.once, true
	}
	from := m.schedule.runAfter(t)
	if from.IsZero() {
		return Window{}, false
	}
	return Window{From: from, To: from.Add(m.duration)}, true
}

// Last is the latest window that has begun at t, over or not; not ok when there
// was none within a year.
func (m *Maintenance) Last(t feed.Instant) (w Window, ok bool) {
	if m.schedule == nil {
		return m.once, m.once.From <= t
	}
	for back := 2 * m.duration; back <= 366*24*time.Hour; back *= 2 {
		next, found := m.Next(t.Add(-back))
		for found && next.From <= t {
			w, ok = next, true
			next, found = m.Next(next.From)
		}
		if ok {
			return w, true
		}
	}
	return Window{}, false
}
