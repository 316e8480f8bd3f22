package notifiers

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Count is n with thousands separators: 1,248.
func Count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}

// About is an estimate as people read one, to three figures: "about 48",
// "about 31,400", "about 3.14 M"; "" where nothing is known.
func About(n float64) string {
	if !(n >= 0.5) || n > 1e15 {
		return ""
	}
	unit := math.Pow(10, max(0, math.Floor(math.Log10(n))-2))
	n = math.Round(n/unit) * unit
	if n < 1e6 {
		return "about " + Count(int(n))
	}
	return "about " + strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(n/1e6, 'f', 2, 64), "0"), ".") + " M"
}

// Duration is d in full: "6 d 23 h 55 min", "1 min 30 s", "40 s".
func Duration(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	if d < time.Second {
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	var parts []string
	for _, u := range [...]struct {
		size time.Duration
		name string
	}{{24 * time.Hour, " d"}, {time.Hour, " h"}, {time.Minute, " min"}, {time.Second, " s"}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d %= u.size
		}
	}
	return strings.Join(parts, " ")
}

// Age is how long ago or how far off something is, as exact as a reader needs
// it: to the second below five minutes, to the minute above. Seconds are rounded:
// what is sent moments after a deadline reads as the deadline.
func Age(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	d = d.Round(time.Second)
	switch {
	case d == 0:
		return "0 s"
	case d < 5*time.Minute:
		return Duration(d)
	default:
		return Duration(d.Truncate(time.Minute))
	}
}

// pace is how much event time arrives per hour: "10 h of events per hour".
func pace(speed float64) string {
	switch {
	case speed >= 9.95:
		return Count(int(math.Round(min(speed, 1e6)))) + " h of events per hour"
	case speed >= 1:
		s := strings.TrimSuffix(strconv.FormatFloat(speed, 'f', 1, 64), ".0")
		return s + " h of events per hour"
	default:
		return strconv.Itoa(int(math.Round(speed*60))) + " min of events per hour"
	}
}

// clock writes absolute times as seen from ref: the day is left out where it is
// ref's own, the year where it is ref's own. All in UTC; the caller says so once.
type clock struct {
	ref     time.Time
	seconds bool // for rules that count in seconds
}

// day is "24 Nov 00:00", always with the day.
func (c clock) day(t time.Time) string {
	t = t.UTC()
	layout := "2 Jan "
	if t.Year() != c.ref.UTC().Year() && math.Abs(t.Sub(c.ref).Hours()) > 24*180 {
		layout = "2 Jan 2006 "
	}
	return t.Format(layout + c.hour())
}

// time is "00:10", with the day where it is not ref's.
func (c clock) time(t time.Time) string {
	t = t.UTC()
	if sameDay(t, c.ref.UTC()) {
		return t.Format(c.hour())
	}
	return c.day(t)
}

// span is "24 Nov 00:00 to 26 Nov 18:00" or, within one day, "24 Nov 00:00 to 06:00".
func (c clock) span(from, to time.Time, between string) string {
	end := clock{ref: from, seconds: c.seconds}.time(to)
	return c.day(from) + " " + between + " " + end
}

func (c clock) hour() string {
	if c.seconds {
		return "15:04:05"
	}
	return "15:04"
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}
