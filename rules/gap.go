package rules

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// The years in which the longest time to a deadline is looked for, and those of
// the holidays that stand alone.
const (
	gapsFirstYear = 2024
	gapsLastYear  = gapsFirstYear + 5
)

// longestGap is the longest time between an update and the deadline that follows
// from it, or a little more where clocks are put back.
func (r *Rule) longestGap() time.Duration {
	switch {
	case r.expect == nil && r.active == nil:
		return r.staleAfter
	case r.expect == nil:
		return r.active.longestAfter(r.staleAfter)
	}
	early := r.expect.early + setBack(r.expect.calendar.loc)
	if r.active == nil {
		return r.expect.calendar.longest + early + r.staleAfter
	}
	return r.expect.longestActive() + early
}

// longestAfter is the longest that d of active time takes: from the end of hours,
// for whatever begins within them passes no more of what is not active.
func (a *Active) longestAfter(d time.Duration) time.Duration {
	first, last := a.gapYears()
	longest := a.After(beginOf(first), d).Sub(beginOf(first)) // there may be no hours at all
	for year := first; year <= last; year++ {
		y := a.year(year)
		for i := range y.from {
			end := y.to(i)
			longest = max(longest, a.After(end, d).Sub(end))
		}
	}
	return longest
}

// gapYears are the years to look at: those of a few, and of the holidays that are
// no more than a few, with the year before, in which the pause of one may begin.
func (a *Active) gapYears() (first, last int) {
	first, last = gapsFirstYear, gapsLastYear
	for _, h := range a.holidays {
		if len(h) > holidaysLookedAt {
			continue
		}
		for d := range h {
			first, last = min(first, d.year()-1), max(last, d.year())
		}
	}
	return max(first, activeFirst), min(last, activeLast)
}

// longestActive is the longest time from one run in active time to the deadline of
// the next. Runs within the same hours are as far apart as the calendar's.
func (s *Schedule) longestActive() time.Duration {
	longest := time.Duration(0)
	previous, runs := feed.Instant(0), false
	first, last := s.active.gapYears()
	for year := first; year <= last; year++ {
		y := s.active.year(year)
		for i := range y.from {
			run := feed.At(s.calendar.next(y.from[i].Time().Add(-time.Millisecond)))
			if run.IsZero() || run >= y.to(i) {
				continue
			}
			latest := s.calendar.previous(y.to(i))
			if runs {
				longest = max(longest, s.active.After(run, s.grace).Sub(previous))
			}
			if latest > run {
				longest = max(longest, min(s.calendar.longest, latest.Sub(run))+s.active.After(latest, s.grace).Sub(latest))
			}
			previous, runs = max(latest, run), true
		}
	}
	if !runs || beginOf(last+1).Sub(previous) > gapSlack+s.calendar.longest {
		return DurationMax + 1
	}
	return longest
}

// gapSlack is how long before the end of the years looked at a last run may be,
// beyond the time between two: whatever comes each year has come by then.
const gapSlack = 366 * 24 * time.Hour

// previous is the last run before t, as the clock shows now what it showed then.
func (c *calendar) previous(t feed.Instant) feed.Instant {
	_, offset := t.Time().In(c.loc).Zone()
	ahead := feed.Instant(offset) * 1000
	wall := t + ahead - 1
	minute := int(wall % dayMillis / 60_000)
	for d := date(wall / dayMillis); d > date(wall/dayMillis)-gapDays; d-- {
		date := time.Unix(int64(d)*24*3600, 0).UTC()
		if c.runsOn(date.Month(), date.Day(), date.Weekday()) {
			if m, ok := c.lastMinute(minute); ok {
				return feed.Instant(d)*dayMillis + feed.Instant(m)*60_000 - ahead
			}
		}
		minute = dayMinutes - 1
	}
	return 0
}

// lastMinute is the last minute of a day with a run, up to most.
func (c *calendar) lastMinute(most int) (minute int, ok bool) {
	for hour := most / 60; hour >= 0; hour-- {
		if c.spec.Hour&(1<<hour) == 0 {
			continue
		}
		upTo := uint(59)
		if hour == most/60 {
			upTo = uint(most % 60)
		}
		if fits := c.spec.Minute & (1<<(upTo+1) - 1); fits != 0 {
			return hour*60 + bits.Len64(fits) - 1, true
		}
	}
	return 0, false
}

// setBack is by how much the clock of loc is put back at once, in the years
// looked at: so much longer the time between two runs may be.
func setBack(loc *time.Location) time.Duration {
	most := 0
	at := time.Date(gapsFirstYear, time.January, 1, 0, 0, 0, 0, loc)
	for at.Year() <= gapsLastYear {
		_, before := at.Zone()
		_, change := at.ZoneBounds()
		if change.IsZero() {
			break
		}
		_, after := change.In(loc).Zone()
		most, at = max(most, before-after), change.In(loc)
	}
	return time.Duration(most) * time.Second
}

// holidaysLookedAt bounds the days of one list whose years are looked at: those
// that come each year are more.
const holidaysLookedAt = 150

// activeSpan is what longestAfter is asked.
type activeSpan struct {
	active *Active
	after  time.Duration
}

// measure finds the longest time to a deadline, and refuses a rule whose series
// are never stale, as far as that can be told.
func (r *reader) measure(d ruleDraft, m mapping) {
	rule := d.rule
	if rule.staleAfter == 0 {
		return
	}
	span := activeSpan{rule.active, rule.staleAfter}
	longest, known := r.gaps[span]
	if !known || rule.expect != nil {
		longest = rule.longestGap()
	}
	if rule.expect == nil {
		r.gaps[span] = longest
	} else if rule.active != nil {
		rule.lagOver = longest
	}
	rule.longest = longest
	if rule.active == nil || longest <= DurationMax {
		return
	}
	at := r.atKey(m, "active", d.deadline)
	if rule.expect != nil {
		r.found.add(at, neverActive, fmt.Sprintf("rule %q expects runs of cron %q within %s, and none comes then for years", rule.name, shortened(rule.expect.cron), rule.active),
			"write hours in which runs come, or active without hours")
		return
	}
	r.found.add(at, neverActive, fmt.Sprintf("rule %q is stale after %s within %s, which may take more than ten years", rule.name, FormatDuration(rule.staleAfter), rule.active),
		"write longer hours, or a shorter time")
}
