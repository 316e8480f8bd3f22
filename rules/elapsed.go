package rules

import (
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Elapsed is t on a clock that stands still outside of the hours: it grows by as much
// as there is active time. What it shows means something only beside other readings.
func (a *Active) Elapsed(t feed.Instant) feed.Instant {
	at := beginOf(activeFirst)
	if a == nil || t <= at {
		return t
	}
	for year := activeFirst; ; year++ {
		y := a.year(year)
		switch {
		case y == nil:
			return at + t - beginOf(year)
		case t < y.end:
			return at + y.elapsed(t)
		}
		at += y.total()
	}
}

// Reads is the first instant at which that clock shows what it does.
func (a *Active) Reads(elapsed feed.Instant) feed.Instant {
	begin := beginOf(activeFirst)
	if a == nil || elapsed <= begin {
		return elapsed
	}
	return a.After(begin, time.Duration(elapsed-begin)*time.Millisecond)
}
