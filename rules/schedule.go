package rules

import (
	"sync/atomic"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// EarlyDefault is how long before its time a run may arrive where the files do
// not say: this, or half the shortest time between two runs when that is less.
const EarlyDefault = time.Hour

// Schedule says when runs are expected. Only ParseSchedule and rule files make one.
type Schedule struct {
	calendar       *calendar
	cron, timezone string
	early, grace   time.Duration
	active         *Active // runs at other times are not expected; nil: always

	// Between two runs all arrivals have the same deadline, and a feed's arrivals
	// are nearly all between the same two. What was found last is kept; it changes
	// how long an answer takes, never what it says.
	last atomic.Pointer[wait]
}

// wait is a stretch of time in which next is the next run.
type wait struct{ from, next feed.Instant }

// ParseSchedule reads a cron expression of five fields (minute, hour, day of
// month, month, day of week) and a timezone by its IANA name; "" is UTC. A local
// time that a change of the clock skips runs at the first instant after the gap;
// one that comes twice runs once.
func ParseSchedule(cronExpr, timezone string) (*Schedule, error) {
	z := loadZone(timezone)
	if z.err != nil {
		return nil, z.err
	}
	c, err := newCalendar(cronExpr, z.loc)
	if err != nil {
		return nil, err
	}
	return &Schedule{calendar: c, cron: cronExpr, timezone: timezone}, nil
}

// Next is the first run after after; the zero time if none comes within nine years.
func (s *Schedule) Next(after time.Time) time.Time { return s.calendar.next(after) }

// Deadline is Next(a + early) + grace; zero if no further run is scheduled. Runs
// outside of active hours are passed over, and grace is active time.
func (s *Schedule) Deadline(a feed.Instant) feed.Instant {
	next := s.runAfter(a.Add(s.early))
	if next.IsZero() {
		return 0
	}
	return s.active.After(next, s.grace)
}

// runAfter is the first run after after that is expected; zero if none comes
// within nine years.
func (s *Schedule) runAfter(after feed.Instant) feed.Instant {
	if w := s.last.Load(); w != nil && w.from <= after && after < w.next {
		return w.next
	}
	next := s.activeRun(after)
	if !next.IsZero() {
		s.last.Store(&wait{from: after, next: next})
	}
	return next
}

// activeRun is runAfter, found anew.
func (s *Schedule) activeRun(after feed.Instant) feed.Instant {
	next := feed.At(s.calendar.next(time.UnixMilli(int64(after))))
	for limit := after.Add(gapDays * 24 * time.Hour); !next.IsZero() && !s.active.Holds(next); {
		from := s.active.Next(next)
		if from > limit {
			return 0
		}
		next = feed.At(s.calendar.next(time.UnixMilli(int64(from) - 1)))
	}
	return next
}

// Cron is the expression as written.
func (s *Schedule) Cron() string { return s.cron }

// Timezone is the timezone's name; "" is UTC.
func (s *Schedule) Timezone() string { return s.timezone }

// Early is how long before its time a run may arrive.
func (s *Schedule) Early() time.Duration { return s.early }

// Grace is how long after its time a run may arrive.
func (s *Schedule) Grace() time.Duration { return s.grace }
