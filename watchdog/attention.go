package watchdog

import (
	"cmp"
	"slices"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// attention is which feeds a Step looks at: those that are stirred, while the others
// are calm. It is to feeds what a block's bound is to its rows, so that what a Step
// costs grows with what goes on and not with how many feeds there are.
type attention struct {
	stirred []*feedState // in no order
	// bounds has for each feed, by its number, a lower bound of when something happens of
	// itself in it, which is kept while it is not stirred. calm is not later than any of
	// them; zero: all are looked at.
	bounds []feed.Instant
	calm   feed.Instant
}

// number gives the next feed its place.
func (a *attention) number() int {
	a.bounds = append(a.bounds, never)
	return len(a.bounds) - 1
}

// renumber gives feeds their places anew, after one of them has gone.
func (m *Machine) renumber() {
	for i, f := range m.order {
		f.number = i
	}
	m.attention.bounds = m.attention.bounds[:len(m.order)]
	m.stirAll()
}

// stir has f looked at: something came for it, or is due.
func (m *Machine) stir(f *feedState) {
	if !f.stirred {
		f.stirred = true
		m.attention.stirred = append(m.attention.stirred, f)
	}
}

// stirAll has every feed looked at: what came may concern any.
func (m *Machine) stirAll() { m.attention.calm = 0 }

// stirDue has those looked at to which something may happen of itself until now.
func (m *Machine) stirDue(now feed.Instant) {
	a := &m.attention
	a.calm = never
	for i, bound := range a.bounds {
		if bound <= now {
			m.stir(m.order[i])
		} else {
			a.calm = min(a.calm, bound)
		}
	}
}

// toLookAt are the feeds to which something may happen until now, in order of first
// mention: it stirs those that are due.
func (m *Machine) toLookAt(now feed.Instant) []*feedState {
	a := &m.attention
	if a.calm.IsZero() || m.commonDue() <= now || m.sources.turned(now) {
		return m.order
	}
	if a.calm <= now {
		m.stirDue(now)
	}
	if 4*len(a.stirred) > len(m.order) {
		return m.order
	}
	slices.SortFunc(a.stirred, func(x, y *feedState) int { return cmp.Compare(x.number, y.number) })
	return a.stirred
}

// calmDown lets go of the feeds that were looked at and in which nothing goes on. What
// stirs a feed comes before the look, never out of it.
func (m *Machine) calmDown(looked []*feedState) {
	a := &m.attention
	if len(looked) == len(m.order) { // it is all of them
		a.calm = never
	}
	stirred := a.stirred[:0]
	for _, f := range looked {
		f.stirred = f.busy()
		if f.stirred {
			stirred = append(stirred, f)
		} else {
			bound := min(f.bound, f.blindDue)
			a.bounds[f.number] = bound
			a.calm = min(a.calm, bound)
		}
	}
	clear(a.stirred[min(len(stirred), len(a.stirred)):])
	a.stirred = stirred
}

// busy says that f may change with no bound of it due.
func (f *feedState) busy() bool {
	return len(f.incidents) > 0 || f.unplaced > 0 || !f.gathered.IsZero()
}
