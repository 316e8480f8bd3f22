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
	// calm is a lower bound of when something happens of itself in a feed that is not
	// stirred. Past it, as with zero, all are looked at.
	calm    feed.Instant
	stirred []*feedState // in no order
	feeds   int          // that were ever mentioned
}

// number is that of the next feed.
func (a *attention) number() int {
	a.feeds++
	return a.feeds
}

// stir has f looked at: something came for it.
func (m *Machine) stir(f *feedState) {
	if !f.stirred {
		f.stirred = true
		m.attention.stirred = append(m.attention.stirred, f)
	}
}

// stirAll has every feed looked at: what came may concern any.
func (m *Machine) stirAll() { m.attention.calm = 0 }

// toLookAt are the feeds to which something may happen until now, in order of first
// mention.
func (m *Machine) toLookAt(now feed.Instant) []*feedState {
	stirred := m.attention.stirred
	if m.attention.calm <= now || m.commonDue() <= now || m.sources.turned(now) || 4*len(stirred) > len(m.order) {
		return m.order
	}
	slices.SortFunc(stirred, func(a, b *feedState) int { return cmp.Compare(a.number, b.number) })
	return stirred
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
			a.calm = min(a.calm, f.bound, f.blindDue)
		}
	}
	clear(a.stirred[min(len(stirred), len(a.stirred)):])
	a.stirred = stirred
}

// busy says that f may change with no bound of it due.
func (f *feedState) busy() bool {
	return len(f.incidents) > 0 || f.unplaced > 0 || !f.gathered.IsZero()
}
