package rules

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// calendar is when a cron expression runs in a timezone. robfig/cron gives the
// next time on a clock that is never changed; what a change of the clock does
// to it is decided here: a time that is skipped runs at the first instant after
// the gap, a time that comes twice runs the first time.
type calendar struct {
	spec     *cron.SpecSchedule // on UTC, standing for the wall clock
	loc      *time.Location
	shortest time.Duration // between two runs, on the wall clock
	longest  time.Duration
}

var errNoSuchDate = errors.New("no such date comes")

// noSuchDate says why no day of spec comes: each is past the end of its months.
func noSuchDate(spec *cron.SpecSchedule) string {
	first := bits.TrailingZeros64(spec.Dom)
	var months []string
	for m := time.January; m <= time.December; m++ {
		if spec.Month&(1<<m) != 0 {
			months = append(months, m.String())
		}
	}
	never := "has"
	if len(months) > 1 {
		never = "have"
	}
	return fmt.Sprintf("%s never %s a day %d", listed(months, len(months)), never, first)
}

// fieldNames of a cron expression, for messages.
const fieldNames = "minute hour day-of-month month day-of-week"

// newCalendar reads a cron expression of five fields.
func newCalendar(expr string, loc *time.Location) (*calendar, error) {
	expr = strings.TrimSpace(expr)
	upper := strings.ToUpper(expr)
	switch {
	case strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ="):
		return nil, fmt.Errorf("cron %q names a timezone; write it behind timezone:, beside cron", shortened(expr))
	case strings.HasPrefix(expr, "@every"):
		return nil, fmt.Errorf("cron %q has no fixed start; write five fields as in \"*/5 * * * *\"; a rule says \"at least every ...\" with stale_after", shortened(expr))
	case cronNicknames[strings.ToLower(expr)] != "":
		return nil, fmt.Errorf("cron %q is a nickname; write %q: %s", expr, cronNicknames[strings.ToLower(expr)], fieldNames)
	case strings.HasPrefix(expr, "@"):
		return nil, fmt.Errorf("cron %q is a nickname; write five fields as in \"0 6 * * *\": %s", shortened(expr), fieldNames)
	}
	fields := strings.Fields(expr)
	if len(fields) != 5 {
		return nil, fieldsMissing(expr, fields)
	}
	for i, f := range fields {
		if err := cronFields[i].check(f); err != nil {
			return nil, err
		}
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, cronError(expr, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("cron %q is not a schedule; write five fields: %s", shortened(expr), fieldNames)
	}
	spec.Location = time.UTC
	c := &calendar{spec: spec, loc: loc}
	if spec.Next(gapsFrom).IsZero() {
		return nil, fmt.Errorf("cron %q never runs: %w: %s; check day and month", shortened(expr), errNoSuchDate, noSuchDate(spec))
	}
	c.measure()
	return c, nil
}

func cronError(expr string, err error) error {
	return fmt.Errorf("cron %q: %s; write five fields: %s", shortened(expr), strings.ReplaceAll(err.Error(), ";", ","), fieldNames)
}

// next is the first run after after, the zero time if none comes within nine years.
func (c *calendar) next(after time.Time) time.Time {
	local := after.In(c.loc)
	_, offset := local.Zone()
	start, _ := local.ZoneBounds()
	wall := onWall(after, offset)
	if !start.IsZero() {
		// Since the clock was put back it shows for a second time what had its run.
		_, before := start.Add(-1).Zone()
		if end := onWall(start, before); before > offset && wall.Before(end) {
			wall = end.Add(-time.Second)
		}
	}
	run := c.spec.Next(wall)
	if run.IsZero() {
		run = c.spec.Next(wall.AddDate(4, 0, 0)) // 2100 has no 29 February
	}
	if run.IsZero() {
		return time.Time{}
	}
	return reached(local, run).In(after.Location())
}

// onWall is what a clock shows that is offset seconds ahead of UTC, as if it
// were UTC.
func onWall(t time.Time, offset int) time.Time {
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// reached is the first instant after local at which its clock shows wall or more.
func reached(local, wall time.Time) time.Time {
	for {
		_, offset := local.Zone()
		at := wall.Add(time.Duration(-offset) * time.Second)
		_, end := local.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			if at.Before(local) {
				return local // the clock was put forward past wall
			}
			return at
		}
		local = end
	}
}

// gapsFrom is just before Monday, 1 January 2024, from which the runs of gapDays
// are measured: long enough for two 29 Februaries.
var gapsFrom = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)

const gapDays = 5 * 366

// measure finds the shortest and the longest time between two runs from the
// sets of minutes, hours and days.
func (c *calendar) measure() {
	firstMinute, lastMinute := bits.TrailingZeros64(c.spec.Minute), lastBit(c.spec.Minute, 59)
	first := time.Duration(bits.TrailingZeros64(c.spec.Hour))*time.Hour + time.Duration(firstMinute)*time.Minute
	last := time.Duration(lastBit(c.spec.Hour, 23))*time.Hour + time.Duration(lastMinute)*time.Minute
	gaps := gapRange{}
	c.measureDay(&gaps)
	seen, previous := false, 0
	year, month, dayOfMonth, length := 2024, time.January, 0, 31
	for day := range gapDays {
		if dayOfMonth++; dayOfMonth > length {
			dayOfMonth, month = 1, month%12+1
			if month == time.January {
				year++
			}
			length = time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
		}
		if !c.runsOn(month, dayOfMonth, time.Weekday((day+1)%7)) {
			continue
		}
		if seen {
			gaps.add(time.Duration(day-previous)*24*time.Hour + first - last)
		}
		seen, previous = true, day
	}
	c.shortest, c.longest = gaps.shortest, gaps.longest
}

// measureDay adds the times between the runs of one day.
func (c *calendar) measureDay(gaps *gapRange) {
	seen, previous := false, 0
	for minute := range 24 * 60 {
		if c.spec.Hour&(1<<(minute/60)) == 0 || c.spec.Minute&(1<<(minute%60)) == 0 {
			continue
		}
		if seen {
			gaps.add(time.Duration(minute-previous) * time.Minute)
		}
		seen, previous = true, minute
	}
}

// runsOn says whether there are runs on a date: any one of the two kinds of day
// fits when both are restricted, as cron has it.
func (c *calendar) runsOn(month time.Month, dayOfMonth int, weekday time.Weekday) bool {
	if c.spec.Month&(1<<month) == 0 {
		return false
	}
	dom := c.spec.Dom&(1<<dayOfMonth) != 0
	dow := c.spec.Dow&(1<<weekday) != 0
	if (c.spec.Dom|c.spec.Dow)&star != 0 {
		return dom && dow
	}
	return dom || dow
}

// star is the bit by which robfig/cron remembers a * in a field.
const star = 1 << 63

func lastBit(set uint64, highest int) int {
	return bits.Len64(set&(1<<(highest+1)-1)) - 1
}

type gapRange struct{ shortest, longest time.Duration }

func (g *gapRange) add(d time.Duration) {
	if g.shortest == 0 || d < g.shortest {
		g.shortest = d
	}
	g.longest = max(g.longest, d)
}

// zone is a timezone, or why it is none.
type zone struct {
	loc *time.Location
	err error
}

// loadZone finds a timezone by its name in the IANA database; "" is UTC.
func loadZone(name string) zone {
	if name == "" {
		return zone{loc: time.UTC}
	}
	if strings.EqualFold(name, "local") {
		return zone{err: errors.New(`timezone "Local" is another one on each machine; write its name, for example Europe/Oslo`)}
	}
	if standsStill(name) {
		return zone{err: fmt.Errorf("timezone %q is an offset; %s", name, noPlace)}
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return zone{err: fmt.Errorf("unknown timezone %q; %s", shortened(name), likeZone(name))}
	}
	return zone{loc: loc}
}
