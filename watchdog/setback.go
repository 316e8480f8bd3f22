package watchdog

import (
	"slices"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// setBackToldFrom is how much people are told of; less is a clock that is kept right.
const setBackToldFrom = time.Second

// ahead is by how much the clock was set back while nothing ran, as far as can be
// told: what was saved last was stamped that much later than now. Rows and
// silences are moved back by it, as Rewind does, so that ages stay what they were:
// else a silence would be hidden, or an incident resolved, by the clock alone.
func (s *Saved) ahead(now feed.Instant) feed.Instant { return max(0, s.Through-now) }

// setBack moves a restored incident by as much as the rows, and at least out of
// what is now the future.
func (inc *incident) setBack(by, now feed.Instant) {
	last := inc.Opened
	if n := len(inc.Events); n > 0 {
		last = inc.Events[n-1].At
	}
	if by = max(by, last-now); by > 0 {
		inc.rewind(by)
	}
}

// setBack moves the restarts of what is now the future by as much as the rows, and
// leaves out those that still are: until then they would give everybody grace.
func setBack(restarts []Restart, by, now feed.Instant) []Restart {
	var all []Restart
	for _, r := range restarts {
		if r.At > now {
			if r.Through <= r.At { // else it gives none
				r.Through -= by
			}
			r.At -= by
		}
		if r.At <= now {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b Restart) int { return int(a.At - b.At) })
	return all
}
