package rules

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

func mustTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func mustSchedule(t testing.TB, cron, timezone string) *Schedule {
	t.Helper()
	s, err := ParseSchedule(cron, timezone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each row gives a start and the runs that follow it.
func TestScheduleNext(t *testing.T) {
	for _, c := range []struct {
		name, cron, timezone, after string
		want                        []string // RFC 3339, in local time
	}{
		{
			"weekdays", "0 6 * * 1-5", "Europe/Oslo", "2025-11-20T06:00:00+01:00",
			[]string{"2025-11-21T06:00:00+01:00", "2025-11-24T06:00:00+01:00"},
		},
		{"a run itself is not after itself", "*/5 * * * *", "", "2025-01-01T00:05:00Z", []string{"2025-01-01T00:10:00Z"}},
		{"just before a run", "*/5 * * * *", "", "2025-01-01T00:04:59.999Z", []string{"2025-01-01T00:05:00Z"}},
		{"just after a run", "*/5 * * * *", "", "2025-01-01T00:05:00.001Z", []string{"2025-01-01T00:10:00Z"}},
		{"29 February", "0 0 29 2 *", "UTC", "2025-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"29 February, over a year that has none", "0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{
			"day of month or weekday", "0 0 13 * 5", "UTC", "2025-06-01T00:00:00Z",
			[]string{"2025-06-06T00:00:00Z", "2025-06-13T00:00:00Z", "2025-06-20T00:00:00Z"},
		},

		{
			"Oslo skips 02:30", "30 2 * * *", "Europe/Oslo", "2025-03-29T12:00:00+01:00",
			[]string{"2025-03-30T03:00:00+02:00", "2025-03-31T02:30:00+02:00"},
		},
		{
			"Oslo, several skipped times are one run", "0,15,30,45 2 * * *", "Europe/Oslo", "2025-03-30T01:59:59+01:00",
			[]string{"2025-03-30T03:00:00+02:00", "2025-03-31T02:00:00+02:00"},
		},
		{
			"Oslo, a skipped time and 03:00 are one run", "0 2,3 * * *", "Europe/Oslo", "2025-03-30T00:00:00+01:00",
			[]string{"2025-03-30T03:00:00+02:00", "2025-03-31T02:00:00+02:00"},
		},
		{"Oslo, after the gap", "30 2 * * *", "Europe/Oslo", "2025-03-30T03:00:00+02:00", []string{"2025-03-31T02:30:00+02:00"}},
		{
			"Oslo has 02:30 twice", "30 2 * * *", "Europe/Oslo", "2025-10-25T12:00:00+02:00",
			[]string{"2025-10-26T02:30:00+02:00", "2025-10-27T02:30:00+01:00"},
		},
		{"Oslo, between the two", "30 2 * * *", "Europe/Oslo", "2025-10-26T02:10:00+01:00", []string{"2025-10-27T02:30:00+01:00"}},
		{"Oslo, 03:00 after the two", "0 3 * * *", "Europe/Oslo", "2025-10-26T02:59:00+02:00", []string{"2025-10-26T03:00:00+01:00"}},
		{"Oslo, seen from UTC", "0 6 * * *", "Europe/Oslo", "2025-07-01T00:00:00Z", []string{"2025-07-01T06:00:00+02:00"}},

		{
			"New York skips 02:30", "30 2 * * *", "America/New_York", "2025-03-08T12:00:00-05:00",
			[]string{"2025-03-09T03:00:00-04:00", "2025-03-10T02:30:00-04:00"},
		},
		{
			"New York has 01:30 twice", "30 1 * * *", "America/New_York", "2025-11-01T12:00:00-04:00",
			[]string{"2025-11-02T01:30:00-04:00", "2025-11-03T01:30:00-05:00"},
		},

		{
			"Lord Howe skips half an hour", "15 2 * * *", "Australia/Lord_Howe", "2025-10-04T12:00:00+10:30",
			[]string{"2025-10-05T02:30:00+11:00", "2025-10-06T02:15:00+11:00"},
		},
		{
			"Lord Howe repeats half an hour", "45 1 * * *", "Australia/Lord_Howe", "2025-04-05T12:00:00+11:00",
			[]string{"2025-04-06T01:45:00+11:00", "2025-04-07T01:45:00+10:30"},
		},

		{
			"Santiago skips midnight", "0 0 * * *", "America/Santiago", "2025-09-06T12:00:00-04:00",
			[]string{"2025-09-07T01:00:00-03:00", "2025-09-08T00:00:00-03:00"},
		},
		{
			"Santiago skips midnight, on one date", "30 0 7 9 *", "America/Santiago", "2025-09-06T12:00:00-04:00",
			[]string{"2025-09-07T01:00:00-03:00"},
		},
		{
			"Santiago has 23:30 twice", "30 23 * * *", "America/Santiago", "2025-04-05T12:00:00-03:00",
			[]string{"2025-04-05T23:30:00-03:00", "2025-04-06T23:30:00-04:00"},
		},

		{
			"Apia skips 30 December 2011", "0 6 * * *", "Pacific/Apia", "2011-12-29T06:00:00-10:00",
			[]string{"2011-12-31T00:00:00+14:00", "2011-12-31T06:00:00+14:00"},
		},
		{
			"Apia puts its clock back in April 2012", "30 3 * * *", "Pacific/Apia", "2012-03-31T12:00:00+14:00",
			[]string{"2012-04-01T03:30:00+14:00", "2012-04-02T03:30:00+13:00"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustSchedule(t, c.cron, c.timezone)
			at := mustTime(t, c.after)
			for _, want := range c.want {
				at = s.Next(at)
				if !at.Equal(mustTime(t, want)) {
					t.Fatalf("next run is %s, want %s", at.Format(time.RFC3339), want)
				}
			}
		})
	}
}

// Whatever the zone and the expression, the next run is later, its clock shows a
// time of the expression or has just been put forward over one, and no instant
// in between has another next run.
func TestScheduleNextProperties(t *testing.T) {
	zones := []string{"UTC", "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		minute := rapid.SampledFrom([]string{"0", "*", "*/15", "30", "7,59"}).Draw(t, "minute")
		hour := rapid.SampledFrom([]string{"0", "*", "2", "1-3", "*/6", "23"}).Draw(t, "hour")
		day := rapid.SampledFrom([]string{"* * *", "* * 0", "1 * *", "29 2 *", "* * 1-5"}).Draw(t, "day")
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		s, err := ParseSchedule(minute+" "+hour+" "+day, zone)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(2011, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		to := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		after := time.UnixMilli(rapid.Int64Range(from, to).Draw(t, "after"))
		next := s.Next(after)
		if !next.After(after) {
			t.Fatalf("the next run after %s is %s", after, next)
		}
		local := next.In(s.calendar.loc)
		start, _ := local.ZoneBounds()
		if spec := s.calendar.spec; !start.Equal(next) && (spec.Minute&(1<<local.Minute()) == 0 || spec.Hour&(1<<local.Hour()) == 0) {
			t.Fatalf("%s is no time of the schedule", local)
		}
		between := time.UnixMilli(rapid.Int64Range(after.UnixMilli(), next.UnixMilli()-1).Draw(t, "between"))
		if again := s.Next(between); !again.Equal(next) {
			t.Fatalf("after %s comes %s, and after %s in between %s", after, next, between, again)
		}
	})
}

// What Deadline remembers must never show.
func TestDeadlineRemembersNothingThatShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cron := rapid.SampledFrom([]string{"*/15 * * * *", "0 6 * * 1-5", "30 2 * * *"}).Draw(t, "cron")
		used := Schedule{calendar: mustSchedule2(t, cron).calendar, early: 7 * time.Minute, grace: 10 * time.Minute}
		from := mustMilli("2025-10-20T00:00:00Z")
		for range 20 {
			a := feed.Instant(rapid.Int64Range(from, from+14*24*3600*1000).Draw(t, "a"))
			want := feed.At(used.Next(a.Add(used.early).Time())).Add(used.grace)
			if got := used.Deadline(a); got != want {
				t.Fatalf("deadline of %s is %s, want %s", a, got, want)
			}
		}
	})
}

func mustSchedule2(t *rapid.T, cron string) *Schedule {
	s, err := ParseSchedule(cron, "Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustMilli(s string) int64 {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return at.UnixMilli()
}

func TestScheduleDeadline(t *testing.T) {
	s := Schedule{calendar: mustSchedule(t, "0 6 * * 1-5", "Europe/Oslo").calendar, early: time.Hour, grace: 45 * time.Minute}
	for _, c := range []struct{ arrival, want string }{
		{"2025-11-24T04:59:59+01:00", "2025-11-24T06:45:00+01:00"}, // too early for Monday's run
		{"2025-11-24T05:00:00+01:00", "2025-11-25T06:45:00+01:00"}, // the first that meets it
		{"2025-11-24T06:45:00+01:00", "2025-11-25T06:45:00+01:00"}, // the last
		{"2025-11-28T06:10:00+01:00", "2025-12-01T06:45:00+01:00"}, // over the weekend
	} {
		if got, want := s.Deadline(feed.At(mustTime(t, c.arrival))), feed.At(mustTime(t, c.want)); got != want {
			t.Errorf("deadline of %s is %s, want %s", c.arrival, got, want)
		}
	}
}

func TestCalendarMeasures(t *testing.T) {
	for _, c := range []struct {
		cron              string
		shortest, longest time.Duration
	}{
		{"* * * * *", time.Minute, time.Minute},
		{"*/15 * * * *", 15 * time.Minute, 15 * time.Minute},
		{"0 6 * * *", 24 * time.Hour, 24 * time.Hour},
		{"0 6 * * 1-5", 24 * time.Hour, 72 * time.Hour},
		{"*/30 9-17 * * 1-5", 30 * time.Minute, 63*time.Hour + 30*time.Minute},
		{"0 6 1 * *", 28 * 24 * time.Hour, 31 * 24 * time.Hour},
		{"0 0 29 2 *", 1461 * 24 * time.Hour, 1461 * 24 * time.Hour},
		{"0 6 */10 * 1", 24 * time.Hour, 7 * 24 * time.Hour}, // robfig/cron: the 1st, 11th, ... or a Monday
	} {
		got := mustSchedule(t, c.cron, "").calendar
		if got.shortest != c.shortest || got.longest != c.longest {
			t.Errorf("%s: runs are %s to %s apart, want %s to %s", c.cron, got.shortest, got.longest, c.shortest, c.longest)
		}
	}
}

// Deadlines of runs at local times that are skipped, or come twice.
func TestScheduleDeadlineWhereClocksChange(t *testing.T) {
	for _, c := range []struct{ cron, timezone, arrival, want string }{
		{"30 2 * * *", "Europe/Oslo", "2026-03-28T02:31:00+01:00", "2026-03-29T03:45:00+02:00"},
		{"30 2 * * *", "Europe/Oslo", "2026-10-25T02:31:00+02:00", "2026-10-26T03:15:00+01:00"},
		{"30 2 * * *", "America/New_York", "2026-03-07T02:31:00-05:00", "2026-03-08T03:45:00-04:00"},
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T02:16:00+10:30", "2026-10-04T03:15:00+11:00"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-05T01:46:00+11:00", "2026-04-06T02:30:00+10:30"},
		{"0 0 * * *", "America/Santiago", "2026-09-05T00:01:00-04:00", "2026-09-06T01:45:00-03:00"},
		{"30 23 * * *", "America/Santiago", "2026-04-04T23:31:00-03:00", "2026-04-06T00:15:00-04:00"},
		{"0 6 * * *", "Pacific/Apia", "2011-12-29T06:01:00-10:00", "2011-12-31T00:45:00+14:00"},
	} {
		s := Schedule{calendar: mustSchedule(t, c.cron, c.timezone).calendar, early: time.Minute, grace: 45 * time.Minute}
		if got, want := s.Deadline(feed.At(mustTime(t, c.arrival))), feed.At(mustTime(t, c.want)); got != want {
			t.Errorf("%s in %s: deadline of %s is %s, want %s", c.cron, c.timezone, c.arrival, got, want)
		}
	}
}

// The days that the measure counts are those on which robfig/cron runs.
func TestCalendarRunsOn(t *testing.T) {
	for _, cron := range []string{"0 6 * * 1-5", "0 6 13 * 5", "0 6 */10 * 1", "0 6 31 * *", "0 6 ? 2 *", "0 6 1-7 * */2"} {
		c := mustSchedule(t, cron, "").calendar
		for day := range 800 {
			date := gapsFrom.Add(time.Second + time.Duration(day)*24*time.Hour)
			next := c.spec.Next(date.Add(-time.Second))
			if want := next.Before(date.Add(24 * time.Hour)); c.runsOn(date.Month(), date.Day(), date.Weekday()) != want {
				t.Fatalf("%s runs on %s: measured %t, run %t", cron, date.Format(time.DateOnly), !want, want)
			}
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, s := range []string{"0 6 * * 1-5", "TZ=UTC", "@every 1s", "0 0 31 2 *", "*/0 * * * *", "5/15 * ? JAN sun", ",,,,,", "1-5/99999999999999999 * * * *"} {
		f.Add(s, "Europe/Oslo", int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, cron, zone string, unix int64) {
		s, err := ParseSchedule(cron, zone)
		if err != nil {
			return
		}
		after := time.Unix(unix%4_000_000_000, 0)
		if next := s.Next(after); !next.IsZero() && !next.After(after) {
			t.Fatalf("%q in %q: after %s comes %s", cron, zone, after, next)
		}
	})
}

// One feed's arrivals, nearly all between the same two runs.
func BenchmarkDeadline(b *testing.B) {
	base := feed.Instant(mustMilli("2025-11-24T05:10:00Z"))
	for _, c := range []struct {
		name   string
		spread feed.Instant
	}{{"one window", 10 * 60_000}, {"any of 30 days", 30 * 24 * 3_600_000}} {
		s := Schedule{calendar: mustSchedule(b, "0 6 * * 1-5", "Europe/Oslo").calendar, early: time.Hour, grace: 45 * time.Minute}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := feed.Instant(0)
			for b.Loop() {
				i = (i*1103515245 + 12345) & 0x7fffffff
				if s.Deadline(base+i%c.spread) == 0 {
					b.Fatal("no deadline")
				}
			}
		})
	}
}
