package watchdog

import (
	"fmt"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// noRoom is why a heartbeat may not make a series: as many are known as there may
// be, or as many in the feeds that its sender reaches. feed.Accepted: it may.
// What the rule files expect by name needs no room: names that somebody makes up
// must not keep a client of the roster from being watched.
func (m *Machine) noRoom(q *feed.Quota) feed.Refusal {
	switch {
	case m.series >= m.cfg.SeriesMax:
		return feed.TooManySeries
	case q != nil && m.reached(q) >= q.SeriesMax:
		return feed.OverQuota
	default:
		return feed.Accepted
	}
}

// reached is how many series the feeds of a quota have.
func (m *Machine) reached(q *feed.Quota) int {
	if q.Feeds == nil {
		return m.series
	}
	n := 0
	for _, name := range q.Feeds {
		if f := m.feeds[name]; f != nil {
			for _, clients := range f.clients {
				n += clients
			}
		}
	}
	return n
}

// full says that no further client is watched; "" while there is room.
func (m *Machine) full() string {
	if m.series < m.cfg.SeriesMax {
		return ""
	}
	return fmt.Sprintf("%d clients are known, as many as series_max allows: further ones are not watched; does a feeder send names that change? Else raise series_max",
		m.series)
}
