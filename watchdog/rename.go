package watchdog

import (
	"slices"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// followRenames makes every feed that the set says was renamed go on under its
// new name: its watermarks, its open incidents and how far their ladders have
// come. Heartbeats under the old name count for it as long as the set says so.
func (m *Machine) followRenames(set *rules.Set) {
	for name, f := range m.feeds {
		if name != f.name {
			delete(m.feeds, name)
		}
	}
	for old, name := range set.Renamed {
		f := m.feeds[old]
		if f != nil && f.name == old {
			m.rename(f, name)
		}
		if f = m.feeds[name]; f == nil {
			f = m.addFeed(name)
		}
		m.feeds[old] = f
	}
}

func (m *Machine) rename(f *feedState, name string) {
	if newer := m.feeds[name]; newer != nil {
		m.absorb(f, newer)
	}
	delete(m.feeds, f.name)
	m.gone = append(m.gone, f.name)
	m.feeds[name], f.name = f, name
	f.saveAnew()
	for _, inc := range f.incidents {
		if inc.Feed != name {
			inc.formerly = inc.Feed
		}
		inc.Feed = name
		inc.touched, inc.dirty = true, true
	}
}

// absorb gives f what is known of another feed. Group rows are not taken over:
// they follow from the clients.
func (m *Machine) absorb(f, from *feedState) {
	for id, b := range from.rows {
		i := id.place()
		if seq := b.rows[i].in; seq != 0 { // it finds one again once rules govern it
			m.incidents[seq].countMember(b.rows[i].verdict, -1)
			m.incidents[seq].touched = true
		}
		if b.isGroup(i) {
			continue
		}
		m.series--
		m.absorbRow(f, b, i, from.labelsOf(b, i))
		if t := from.tracks[id]; t != nil {
			if to, _ := f.row(b.client(i)); f.tracks[to] == nil {
				f.tracks[to] = t
			}
		}
	}
	for _, inc := range from.incidents {
		inc.feed, inc.alikeTo, inc.lost = f, pattern{}, nil
	}
	f.incidents = append(f.incidents, from.incidents...)
	m.order = slices.DeleteFunc(m.order, func(o *feedState) bool { return o == from })
	m.renumber()
}

func (m *Machine) absorbRow(f *feedState, from *block, n int, labels feed.Labels) {
	lid, _ := m.labelsID(f, labels)
	id, ok := f.row(from.client(n))
	if !ok {
		id = f.add(from.client(n), -min(from.rows[n].arrival, 0), lid, from.rows[n].sources)
		b, i := f.blocks[id.block()], id.place()
		b.rows[i].arrival = from.rows[n].arrival
		b.rows[i].rate, b.rows[i].since = from.rows[n].rate, from.rows[n].since
		m.series++
		f.count(b, i, +1)
	}
	b, i := f.blocks[id.block()], id.place()
	f.count(b, i, -1)
	b.rows[i].sources = m.sources.set(m.sources.sets[b.rows[i].sources].mask | m.sources.sets[from.rows[n].sources].mask)
	if lid != 0 {
		b.rows[i].labels = lid
	}
	f.count(b, i, +1)
	f.useSet(b.rows[i].sources)
	b.rows[i].event = max(b.rows[i].event, from.rows[n].event)
	b.rows[i].arrival = laterReference(b.rows[i].arrival, from.rows[n].arrival)
	b.agesKnown = false
}

// laterReference is the newer of two arrivals; one that was seen beats one that
// is only expected.
func laterReference(a, b feed.Instant) feed.Instant {
	if a > 0 || b > 0 {
		return max(a, b)
	}
	return max(a, b) // both negative: expected since the earlier
}
