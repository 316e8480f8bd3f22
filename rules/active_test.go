package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// activeRule is the first rule of a file whose rule has those lines.
func activeRule(t testing.TB, lines string, besides ...File) *Rule {
	t.Helper()
	set, err := Parse(append([]File{{Name: "a.yaml", Data: []byte(ruleWith(lines))}}, besides...))
	if err != nil {
		t.Fatal(err)
	}
	return set.Feeds()[0].ClientRules()[0]
}

// Each row gives the last update and the deadline that follows, both in local time.
func TestActiveDeadline(t *testing.T) {
	office := "active: {days: mon-fri, hours: \"08:00-18:00\", timezone: Europe/Oslo}"
	for _, c := range []struct{ name, rule, last, want string }{
		{"within the hours", "stale_after: 30m\n" + office, "2026-11-25T09:00:00+01:00", "2026-11-25T09:30:00+01:00"},
		{"the end of the hours is one of theirs", "stale_after: 30m\n" + office, "2026-11-25T17:30:00+01:00", "2026-11-25T18:00:00+01:00"},
		{"over the night", "stale_after: 30m\n" + office, "2026-11-25T17:40:00+01:00", "2026-11-26T08:10:00+01:00"},
		{"over the weekend", "stale_after: 30m\n" + office, "2026-11-27T17:40:00+01:00", "2026-11-30T08:10:00+01:00"},
		{"in the night", "stale_after: 30m\n" + office, "2026-11-25T23:00:00+01:00", "2026-11-26T08:30:00+01:00"},
		{"longer than a day's hours", "stale_after: 25h\n" + office, "2026-11-25T08:00:00+01:00", "2026-11-27T13:00:00+01:00"},
		{
			"holidays", "stale_after: 30m\nactive: {days: mon-fri, hours: \"08:00-18:00\", timezone: Europe/Oslo, holidays: [2026-12-24, 2026-12-25]}",
			"2026-12-23T17:50:00+01:00", "2026-12-28T08:20:00+01:00",
		},
		{
			"two stretches a day", "stale_after: 1h\nactive: {hours: [\"13:00-17:00\", \"08:00-12:00\"], timezone: Europe/Oslo}",
			"2026-11-25T11:30:00+01:00", "2026-11-25T13:30:00+01:00",
		},
		{
			"a night shift belongs to the day on which it begins", "stale_after: 5h\nactive: {days: fri, hours: \"22:00-06:00\", timezone: Europe/Oslo}",
			"2026-11-27T12:00:00+01:00", "2026-11-28T03:00:00+01:00",
		},
		{
			"and is not cut by a holiday that follows", "stale_after: 5h\nactive: {hours: \"22:00-06:00\", timezone: Europe/Oslo, holidays: 2026-12-25}",
			"2026-12-25T01:00:00+01:00", "2026-12-25T06:00:00+01:00",
		},
		{
			"but those that begin on one are no hours", "stale_after: 6h\nactive: {hours: \"22:00-06:00\", timezone: Europe/Oslo, holidays: 2026-12-25}",
			"2026-12-25T01:00:00+01:00", "2026-12-26T23:00:00+01:00",
		},
		{"always", "stale_after: 30m\nactive: {days: [mon-sun], timezone: UTC}", "2026-11-25T23:50:00Z", "2026-11-26T00:20:00Z"},

		{
			"a run outside of the hours is not expected", "expect: {cron: \"0 6 * * *\", timezone: Europe/Oslo, grace: 45m}\n" +
				"active: {days: mon-fri, timezone: Europe/Oslo, holidays: [2026-11-30]}",
			"2026-11-27T06:05:00+01:00", "2026-12-01T06:45:00+01:00",
		},
		{
			"grace stands still too", "expect: {cron: \"30 17 * * *\", timezone: Europe/Oslo, grace: 45m}\n" + office,
			"2026-11-26T17:31:00+01:00", "2026-11-30T08:15:00+01:00",
		},

		{
			"Oslo, a day of 23 h", "stale_after: 20h\nactive: {hours: \"00:00-12:00\", timezone: Europe/Oslo}",
			"2026-03-28T12:00:00+01:00", "2026-03-30T09:00:00+02:00",
		},
		{
			"Oslo, skipped hours are none", "stale_after: 1h\nactive: {hours: \"02:00-03:00\", timezone: Europe/Oslo}",
			"2026-03-28T12:00:00+01:00", "2026-03-30T03:00:00+02:00",
		},
		{
			"Oslo, an hour that comes twice is two", "stale_after: 2h\nactive: {hours: \"02:00-03:00\", timezone: Europe/Oslo}",
			"2026-10-25T00:00:00+02:00", "2026-10-25T03:00:00+01:00",
		},
		{
			"New York, hours that begin in the gap", "stale_after: 15m\nactive: {hours: \"02:30-04:00\", timezone: America/New_York}",
			"2026-03-08T00:00:00-05:00", "2026-03-08T03:15:00-04:00",
		},
		{
			"New York, hours that end in what comes twice", "stale_after: 90m\nactive: {hours: \"00:30-01:30\", timezone: America/New_York}",
			"2026-11-01T00:00:00-04:00", "2026-11-01T01:30:00-05:00",
		},
		{
			"Lord Howe skips half an hour", "stale_after: 1h\nactive: {hours: \"01:45-03:00\", timezone: Australia/Lord_Howe}",
			"2026-10-03T12:00:00+10:30", "2026-10-05T02:00:00+11:00",
		},
		{
			"Lord Howe repeats half an hour", "stale_after: 90m\nactive: {hours: \"01:30-02:30\", timezone: Australia/Lord_Howe}",
			"2026-04-05T00:00:00+11:00", "2026-04-05T02:30:00+10:30",
		},
		{
			"Santiago skips midnight", "stale_after: 30m\nactive: {days: sun, hours: \"00:00-02:00\", timezone: America/Santiago}",
			"2026-09-05T12:00:00-04:00", "2026-09-06T01:30:00-03:00",
		},
		{
			"Santiago repeats the last hour of a Saturday", "stale_after: 90m\nactive: {days: sat, hours: \"23:00-24:00\", timezone: America/Santiago}",
			"2026-04-04T12:00:00-03:00", "2026-04-04T23:30:00-04:00",
		},
		{
			"Apia skips a day", "stale_after: 9h\nactive: {hours: \"08:00-16:00\", timezone: Pacific/Apia}",
			"2011-12-29T08:00:00-10:00", "2011-12-31T09:00:00+14:00",
		},
		{
			"Apia, a Friday that never was", "stale_after: 1h\nactive: {days: fri, hours: \"08:00-16:00\", timezone: Pacific/Apia}",
			"2011-12-29T08:00:00-10:00", "2012-01-06T09:00:00+14:00",
		},
		{
			"29 February", "stale_after: 1h\nactive: {timezone: UTC, holidays: [2028-02-29]}",
			"2028-02-28T23:30:00Z", "2028-03-01T00:30:00Z",
		},
		{"over the turn of the year", "stale_after: 48h\nactive: {hours: \"12:00-24:00\", timezone: UTC}", "2026-12-30T12:00:00Z", "2027-01-02T24:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			last := mustTime(t, c.last)
			want := strings.Replace(c.want, "02T24", "03T00", 1)
			if got := activeRule(t, c.rule).Deadline(feed.At(last)).Time(); !got.Equal(mustTime(t, want)) {
				t.Errorf("deadline is %s, want %s", got.In(mustTime(t, want).Location()).Format(time.RFC3339), want)
			}
		})
	}
}

// naive is active time as one would count it by hand: what the clock shows.
type naive struct {
	days     [7]bool
	hours    []hours
	holidays map[string]bool
	loc      *time.Location
}

// holds looks at the clock, and whether the hours began today or yesterday.
func (n *naive) holds(at time.Time) bool {
	local := at.In(n.loc)
	minute := local.Hour()*60 + local.Minute()
	for back, shift := range []int{0, dayMinutes} {
		date := time.Date(local.Year(), local.Month(), local.Day()-back, 0, 0, 0, 0, time.UTC)
		if !n.days[date.Weekday()] || n.holidays[date.Format(time.DateOnly)] {
			continue
		}
		for _, h := range n.hours {
			if minute+shift >= h.from && minute+shift < h.to {
				return true
			}
		}
	}
	return false
}

// deadline walks minute by minute; at is a whole minute.
func (n *naive) deadline(at time.Time, minutes int) time.Time {
	for left := minutes; left > 0; at = at.Add(time.Minute) {
		if n.holds(at) {
			left--
		}
	}
	return at
}

func drawActive(t *rapid.T) (*Active, *naive) {
	zone := rapid.SampledFrom([]string{"UTC", "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"}).Draw(t, "zone")
	a := &Active{loc: loadZone(zone).loc, days: byte(rapid.IntRange(1, allDays).Draw(t, "days"))}
	n := &naive{loc: a.loc, holidays: map[string]bool{}}
	for d := range n.days {
		n.days[d] = a.days&(1<<d) != 0
	}
	for range rapid.IntRange(1, 3).Draw(t, "stretches") {
		from := rapid.IntRange(0, dayMinutes-1).Draw(t, "from")
		h := hours{from, from + rapid.IntRange(1, dayMinutes).Draw(t, "minutes")}
		if h.apart(a.hours) == nil && h.to-h.from+a.minutes() <= dayMinutes && (h.to <= dayMinutes || h.to-dayMinutes <= h.from) {
			a.hours = append(a.hours, h)
		}
	}
	if a.minutes() < 60 {
		a.hours = []hours{{8 * 60, 18 * 60}}
	}
	sortHours(a.hours)
	n.hours = a.hours
	own := holidays{}
	for range rapid.IntRange(0, 4).Draw(t, "holidays") {
		d := dayOf(2011, time.December, 20) + date(rapid.IntRange(0, 30).Draw(t, "holiday"))
		own[d], n.holidays[time.Unix(int64(d)*24*3600, 0).UTC().Format(time.DateOnly)] = true, true
	}
	a.holidays = []holidays{own}
	return a, n
}

// drawInstant is a minute near a change of some clock.
func drawInstant(t *rapid.T) feed.Instant {
	near := rapid.SampledFrom([]string{
		"2011-12-30T00:00:00Z", "2011-12-31T22:00:00Z", "2012-03-31T00:00:00Z", "2012-04-01T00:00:00Z", "2012-04-29T00:00:00Z", "2012-09-02T00:00:00Z",
		"2012-10-07T00:00:00Z", "2012-10-28T00:00:00Z", "2012-11-04T00:00:00Z", "2012-03-11T00:00:00Z", "2012-03-25T00:00:00Z", "2012-02-29T00:00:00Z",
	}).Draw(t, "near")
	return feed.Instant(mustMilli(near)).Add(time.Duration(rapid.IntRange(-5000, 5000).Draw(t, "minutes")) * time.Minute)
}

// Deadlines are those that one finds by walking from minute to minute.
func TestActiveIsWhatTheClockShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, n := drawActive(t)
		at := drawInstant(t)
		if got, want := a.Holds(at), n.holds(at.Time()); got != want {
			t.Fatalf("%s is active: %t, want %t", at, got, want)
		}
		minutes := rapid.IntRange(1, 600).Draw(t, "after")
		got, want := a.After(at, time.Duration(minutes)*time.Minute), feed.At(n.deadline(at.Time(), minutes))
		if got != want {
			t.Fatalf("%d minutes after %s it is %s, want %s", minutes, at, got, want)
		}
		if !a.Holds(got - 1) {
			t.Fatalf("the deadline %s is not in active time", got)
		}
	})
}

// Later updates have no earlier deadlines, time can be taken in parts, and what
// is said of pauses adds up.
func TestActiveProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := drawActive(t)
		at := drawInstant(t) + feed.Instant(rapid.IntRange(0, 60_000).Draw(t, "ms"))
		later := at + feed.Instant(rapid.Int64Range(0, 40*dayMillis).Draw(t, "later"))
		d := time.Duration(rapid.Int64Range(1, dayMillis).Draw(t, "d")) * time.Millisecond
		deadline := a.After(at, d)
		if next := a.After(later, d); next < deadline {
			t.Fatalf("the deadline of %s is %s, that of %s is %s", at, deadline, later, next)
		}
		part := time.Duration(rapid.Int64Range(1, int64(d/time.Millisecond)).Draw(t, "part")) * time.Millisecond
		if again := a.After(a.After(at, part), d-part); again != deadline {
			t.Fatalf("in two parts the deadline of %s is %s, want %s", at, again, deadline)
		}
		stood := time.Duration(0)
		for _, w := range a.Pauses(at, deadline, 1_000_000) {
			if w.From < at || w.To > deadline || w.To <= w.From || a.Holds(w.From) || a.Holds(w.To-1) || !a.Holds(w.To) || w.From > at && !a.Holds(w.From-1) {
				t.Fatalf("between %s and %s the clock does not stand still from %s to %s", at, deadline, w.From, w.To)
			}
			stood += w.To.Sub(w.From)
		}
		if between := a.Between(at, deadline); between != d {
			t.Fatalf("between %s and %s there are %s, want %s", at, deadline, between, d)
		}
		if deadline.Sub(at) != d+stood {
			t.Fatalf("from %s to %s is not %s and %s", at, deadline, d, stood)
		}
		if began := a.Began(deadline - 1); began == 0 || !a.Holds(began) || began > deadline-1 || len(a.Pauses(began, deadline-1, 1)) > 0 {
			t.Fatalf("the hours of %s began at %s", deadline, began)
		}
	})
}

// The longest gap is one that comes, and none is longer.
func TestLongestGapIsTheLongest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := drawActive(t)
		d := time.Duration(rapid.IntRange(1, 20).Draw(t, "hours")) * time.Hour
		longest := a.longestAfter(d)
		from := feed.Instant(mustMilli("2024-01-02T00:00:00Z"))
		for range 300 {
			at := from + feed.Instant(rapid.Int64Range(0, 5*365*dayMillis).Draw(t, "at"))
			if gap := a.After(at, d).Sub(at); gap > longest {
				t.Fatalf("%s after %s is a gap of %s, the longest is said to be %s", d, at, gap, longest)
			}
		}
		comes := false
		for at := beginOf(2010); at < beginOf(gapsLastYear+1) && !comes; {
			at = a.ends(a.Next(at), at+400*dayMillis)
			comes = a.After(at, d).Sub(at) == longest
		}
		if !comes && longest != d {
			t.Fatalf("the longest gap is said to be %s, and none is", longest)
		}
	})
}

// What follows from a schedule in active hours is never later than its longest
// gap says, and not much earlier.
func TestLongestGapOfSchedules(t *testing.T) {
	for _, c := range []struct {
		expect, active string
		want           time.Duration
	}{
		{`{cron: "0 6 * * *", grace: 1h}`, "{days: mon-fri, timezone: UTC}", 73*time.Hour + time.Hour},
		{`{cron: "*/15 9-17 * * *", grace: 15m}`, "{days: mon-fri, timezone: UTC}", 63*time.Hour + 15*time.Minute + 15*time.Minute + 7*time.Minute + 30*time.Second},
		{`{cron: "0 6 * * *", grace: 1h}`, "{days: mon-fri, timezone: UTC, holidays: [2026-12-25, 2026-12-28]}", 5*24*time.Hour + 2*time.Hour},
		{`{cron: "30 17 * * *", grace: 1h}`, "{hours: \"08:00-18:00\", timezone: UTC}", 24*time.Hour + 15*time.Hour + time.Hour},
	} {
		r := activeRule(t, "expect: "+c.expect+"\nactive: "+c.active)
		if got := r.LongestGap(); got != c.want {
			t.Errorf("%s in %s: the longest gap is %s, want %s", c.expect, c.active, got, c.want)
		}
		from := feed.Instant(mustMilli("2026-11-01T00:00:00Z"))
		for at := from; at < from+100*dayMillis; at += 7 * 60_000 {
			if gap := r.Deadline(at).Sub(at); gap > c.want {
				t.Fatalf("%s in %s: from %s the gap is %s", c.expect, c.active, at, gap)
			}
		}
	}
}

// Feeds lend their hours to rules that say none.
func TestActiveOfTheFeed(t *testing.T) {
	set, err := Parse([]File{{Name: "a.yaml", Data: []byte(feedWith(`active: {days: mon-fri, hours: "08:00-18:00", timezone: Europe/Oslo}
rules:
  - {name: own, match: ['tier="a"'], stale_after: 30m, active: {days: sat-mon, timezone: UTC}}
  - {name: always, match: ['tier="b"'], stale_after: 30m, active: {days: mon-sun, timezone: UTC}}
  - {name: rest, stale_after: 30m}`))}})
	if err != nil {
		t.Fatal(err)
	}
	f := set.Feeds()[0]
	for i, want := range []string{"mon,sat-sun 00:00-24:00 UTC", "always", "mon-fri 08:00-18:00 Europe/Oslo"} {
		if got := f.ClientRules()[i].Active().String(); got != want {
			t.Errorf("%s is active %s, want %s", f.ClientRules()[i].Name(), got, want)
		}
	}
	if whole := f.GroupRules()[0]; whole.Active() != f.ClientRules()[2].Active() || whole.LongestGap() != 63*time.Hour+30*time.Minute {
		t.Errorf("the implied rule is active %s, its longest gap %s", whole.Active(), whole.LongestGap())
	}
}

// A fleet's deadlines, in any of 30 days.
func BenchmarkActiveDeadline(b *testing.B) {
	r := activeRule(b, "stale_after: 30m\nactive: {days: mon-fri, hours: [\"08:00-12:00\", \"13:00-18:00\"], timezone: Europe/Oslo, holidays: [2026-12-24]}")
	base := feed.Instant(mustMilli("2026-12-10T05:10:00Z"))
	b.ReportAllocs()
	i := feed.Instant(0)
	for b.Loop() {
		i = (i*1103515245 + 12345) & 0x7fffffff
		if r.Deadline(base+i%(30*dayMillis)) == 0 {
			b.Fatal("no deadline")
		}
	}
}

func BenchmarkActiveLongestGap(b *testing.B) {
	text := ruleWith("stale_after: 30m\nactive: {days: mon-fri, hours: [\"08:00-12:00\", \"13:00-18:00\"], timezone: Europe/Oslo, holidays: [2026-12-24]}")
	for b.Loop() {
		if _, err := Parse([]File{{"a.yaml", []byte(text)}}); err != nil {
			b.Fatal(fmt.Errorf("%w", err))
		}
	}
}
