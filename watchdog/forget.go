package watchdog

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// forgetAt is when a series that its rule forgets has been unseen for long enough;
// never where it has no such rule, was never seen, or stands in the roster.
func (m *Machine) forgetAt(f *feedState, b *block, i int) feed.Instant {
	r := f.ruleOf(b, i)
	if r == nil || r.ForgetAfter() == 0 || b.rows[i].arrival <= 0 || b.isGroup(i) || f.roster[b.client(i)] {
		return never
	}
	return b.rows[i].arrival.Add(r.ForgetAfter())
}

// forgetEvery is how often it is looked whether all that is still in trouble is to
// be forgotten, once some of it is.
const forgetEvery = time.Minute

// overdue notices that a stale series has become one to forget, at its due time
// or when an incident gets it.
func (m *Machine) overdue(f *feedState, b *block, i int) (due feed.Instant) {
	at := m.forgetAt(f, b, i)
	if m.sources.sets[b.rows[i].sources].horizon < at {
		return at
	}
	if inc := m.incidents[b.rows[i].in]; inc != nil {
		inc.forgetDue, inc.due = m.now, min(inc.due, m.now)
	}
	return never
}

// followForgotten retires the series of an incident once all that is still in
// trouble has left the roster, or has been unseen for longer than its rule's
// forget_after. That is never done while others of the incident are in trouble
// too, or while nothing arrives for the feed: then it is the feed that is silent,
// not a client that has left.
func (m *Machine) followForgotten(inc *incident) {
	if inc.forgetDue.IsZero() || inc.forgetDue > m.now {
		return
	}
	inc.forgetDue = m.now.Add(forgetEvery)
	f := inc.feed
	if f.clients[Fresh]+f.clients[Late]-f.belowQuorum() == 0 {
		return
	}
	var gone []rowID
	left := 0 // of them, who left the roster
	for n, b := range f.blocks {
		for i := range b.rows {
			seq := b.rows[i].in
			if seq != inc.seq || b.rows[i].verdict.Well() {
				continue
			}
			if f.leaving[b.client(i)] {
				gone, left = append(gone, rowOf(n, i)), left+1
				continue
			}
			if b.rows[i].verdict != Stale || m.sources.sets[b.rows[i].sources].horizon < m.forgetAt(f, b, i) {
				return
			}
			gone = append(gone, rowOf(n, i))
		}
	}
	inc.forgetDue = 0
	for _, id := range gone {
		b, i := f.blocks[id.block()], id.place()
		m.setVerdict(f, b, i, Retired)
		b.rows[i].due = never
		f.owed[id] = inc
		delete(f.leaving, b.client(i))
		delete(f.roster, b.client(i))
	}
	if left > 0 {
		m.record(inc, Event{Kind: EventLeft, Was: left})
	}
	if n := len(gone) - left; n > 0 {
		m.record(inc, Event{Kind: EventForgotten, Was: n})
	}
}
