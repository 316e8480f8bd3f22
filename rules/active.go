package rules

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Active is when silence counts: while the clock of a timezone shows certain
// hours of certain days. Hours past midnight belong to the day on which they
// began; a local time that is skipped is none of them, one that comes twice is
// twice. nil is always. Only rule files make one.
type Active struct {
	days     byte // bit 0 is Sunday
	hours    []hours
	holidays []holidays
	loc      *time.Location
	text     string

	// What a year comes to is worked out when it is first asked for and kept; it
	// changes how long an answer takes, never what it says.
	years [activeYears]atomic.Pointer[activeYear]
}

// hours are a stretch of one day's clock in minutes; to is past 24 h where it
// ends on the next day.
type hours struct{ from, to int }

// holidays are days on which no hours begin.
type holidays map[date]bool

// date is a day: days since 1 January 1970.
type date int

const (
	dayMinutes = 24 * 60
	dayMillis  = 24 * 3600 * 1000
	allDays    = 1<<7 - 1
)

func dayOf(year int, month time.Month, dayOfMonth int) date {
	return date(time.Date(year, month, dayOfMonth, 0, 0, 0, 0, time.UTC).Unix() / (24 * 3600))
}

func (d date) weekday() time.Weekday { return time.Weekday((int(d)%7 + 4 + 7) % 7) }

func (d date) year() int { return time.Unix(int64(d)*24*3600, 0).UTC().Year() }

// The years whose hours are worked out. All time before and after is active.
const (
	activeFirst = 2000
	activeLast  = 2199
	activeYears = activeLast - activeFirst + 1
)

// activeYear are the stretches of active time in one year of UTC.
type activeYear struct {
	begin, end feed.Instant
	from       []feed.Instant // of each stretch
	before     []feed.Instant // active time before each in this year; one more: in all of it
}

func (y *activeYear) to(i int) feed.Instant { return y.from[i] + y.before[i+1] - y.before[i] }

func (y *activeYear) total() feed.Instant { return y.before[len(y.from)] }

// at is the first stretch that ends after t.
func (y *activeYear) at(t feed.Instant) int {
	i, exact := slices.BinarySearch(y.from, t)
	if !exact && i > 0 && t < y.to(i-1) {
		i--
	}
	return i
}

// elapsed is the active time from the beginning of the year to t.
func (y *activeYear) elapsed(t feed.Instant) feed.Instant {
	i := y.at(t)
	if i == len(y.from) {
		return y.total()
	}
	return y.before[i] + max(t-y.from[i], 0)
}

// after is the first instant with so much active time before it, which is more
// than none and no more than there is.
func (y *activeYear) after(elapsed feed.Instant) feed.Instant {
	i, _ := slices.BinarySearch(y.before, elapsed)
	return y.from[i-1] + elapsed - y.before[i-1]
}

// add puts a stretch behind those there are.
func (y *activeYear) add(from, to feed.Instant) {
	if n := len(y.from); n > 0 && y.to(n-1) == from {
		y.before[n] += to - from
		return
	}
	y.from = append(y.from, from)
	y.before = append(y.before, y.before[len(y.before)-1]+to-from)
}

// year is what a year comes to; nil where it is not worked out.
func (a *Active) year(year int) *activeYear {
	if year < activeFirst || year > activeLast {
		return nil
	}
	at := &a.years[year-activeFirst]
	y := at.Load()
	if y == nil {
		y = a.workOut(year)
		at.Store(y)
	}
	return y
}

// workOut finds the stretches of a year, between one change of the clock and the
// next.
func (a *Active) workOut(year int) *activeYear {
	at := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
	y := &activeYear{begin: feed.At(at), end: feed.At(at.AddDate(1, 0, 0)), before: []feed.Instant{0}}
	for from := y.begin; from < y.end; {
		local := from.Time().In(a.loc)
		_, offset := local.Zone()
		to := y.end
		if _, change := local.ZoneBounds(); !change.IsZero() {
			to = min(to, feed.At(change))
		}
		a.addHours(y, from, to, feed.Instant(offset)*1000)
		from = to
	}
	return y
}

// addHours adds the hours from one instant to another, between which the clock is
// that much ahead of UTC.
func (a *Active) addHours(y *activeYear, from, to, ahead feed.Instant) {
	first := date((from+ahead)/dayMillis) - 1 // whose hours may end today
	for d := first; feed.Instant(d)*dayMillis < to+ahead; d++ {
		if a.days&(1<<d.weekday()) == 0 || a.holiday(d) {
			continue
		}
		midnight := feed.Instant(d)*dayMillis - ahead
		for _, h := range a.hours {
			begin := max(midnight.Add(time.Duration(h.from)*time.Minute), from)
			end := min(midnight.Add(time.Duration(h.to)*time.Minute), to)
			if begin < end {
				y.add(begin, end)
			}
		}
	}
}

func (a *Active) holiday(d date) bool {
	return slices.ContainsFunc(a.holidays, func(h holidays) bool { return h[d] })
}

// yearOf is the year that t belongs to: one that is not worked out for all before,
// and another for all after.
func yearOf(t feed.Instant) int {
	return min(max(time.UnixMilli(int64(t)).UTC().Year(), activeFirst-1), activeLast+1)
}

// beginOf is the beginning of a year.
func beginOf(year int) feed.Instant {
	return feed.At(time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC))
}

// After is the first instant at which active time of the length d has gone by
// since t. The end of hours counts as one of theirs.
func (a *Active) After(t feed.Instant, d time.Duration) feed.Instant {
	if a == nil || d <= 0 {
		return t.Add(d)
	}
	left := feed.Instant(d / time.Millisecond)
	for year := yearOf(t); ; year++ {
		y := a.year(year)
		switch {
		case y == nil && year > activeLast:
			return t + left
		case y == nil:
			end := beginOf(activeFirst)
			if t+left <= end {
				return t + left
			}
			left, t = left-(end-t), end
		default:
			elapsed := y.elapsed(t)
			if elapsed+left <= y.total() {
				return y.after(elapsed + left)
			}
			left, t = left-(y.total()-elapsed), y.end
		}
	}
}

// Between is how much active time there is from one instant to a later one.
func (a *Active) Between(from, to feed.Instant) time.Duration {
	if a == nil || to <= from {
		return to.Sub(from)
	}
	total := feed.Instant(0)
	for year := yearOf(from); ; year++ {
		y := a.year(year)
		end := beginOf(year + 1)
		switch {
		case y == nil && year > activeLast:
			return (total + to - from).Sub(0)
		case y == nil:
			total += min(to, end) - from
		default:
			total += y.elapsed(to) - y.elapsed(from)
		}
		if to <= end {
			return total.Sub(0)
		}
		from = end
	}
}

// Holds says whether t is active.
func (a *Active) Holds(t feed.Instant) bool { return a.Next(t) == t }

// Next is the first active instant that is not before t.
func (a *Active) Next(t feed.Instant) feed.Instant {
	if a == nil {
		return t
	}
	for year := yearOf(t); ; year++ {
		y := a.year(year)
		if y == nil {
			return t
		}
		if i := y.at(t); i < len(y.from) {
			return max(t, y.from[i])
		}
		t = y.end
	}
}

// Began is when the hours began in which t is; zero where it is in none, or all
// time is active.
func (a *Active) Began(t feed.Instant) feed.Instant {
	if a == nil || !a.Holds(t) {
		return 0
	}
	year := yearOf(t)
	y := a.year(year)
	if y == nil {
		return 0
	}
	begin := y.from[y.at(t)]
	if before := a.year(year - 1); begin == y.begin && before != nil {
		if n := len(before.from); n > 0 && before.to(n-1) == begin {
			begin = before.from[n-1]
		}
	}
	return begin
}

// Pauses are the stretches between from and to that are not active, at most so
// many.
func (a *Active) Pauses(from, to feed.Instant, most int) []Window {
	var all []Window
	for a != nil && len(all) < most {
		from = a.ends(from, to)
		next := a.Next(from)
		if from >= to {
			break
		}
		if next > from {
			all = append(all, Window{From: from, To: next})
		}
		from = next
	}
	return all
}

// ends is when the hours end in which t is, as far as before limit; t where it is
// in none.
func (a *Active) ends(t, limit feed.Instant) feed.Instant {
	for t < limit && a.Holds(t) {
		y := a.year(yearOf(t))
		if y == nil {
			return limit
		}
		t = y.to(y.at(t))
	}
	return t
}

// String is as rule files say it: "mon-fri 08:00-18:00 Europe/Oslo, but for 12
// holidays".
func (a *Active) String() string {
	if a == nil {
		return "always"
	}
	return a.text
}

var dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// words makes the text.
func (a *Active) words(timezone, besides string) string {
	var parts []string
	for from := 0; from < 7; from++ { // from Monday on
		to := from
		for to < 7 && a.days&(1<<((to+1)%7)) != 0 {
			to++
		}
		if to == from {
			continue
		}
		part := dayNames[(from+1)%7]
		if to > from+1 {
			part += "-" + dayNames[to%7]
		}
		parts = append(parts, part)
		from = to - 1
	}
	var times []string
	for _, h := range a.hours {
		times = append(times, h.String())
	}
	return fmt.Sprintf("%s %s %s%s", strings.Join(parts, ","), strings.Join(times, ","), timezone, besides)
}

// String is "08:00-18:00".
func (h hours) String() string {
	to := h.to
	if to > dayMinutes {
		to -= dayMinutes
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.from/60, h.from%60, to/60, to%60)
}
