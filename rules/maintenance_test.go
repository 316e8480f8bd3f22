package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// maintenanceWith is a right file but for one maintenance, from line 8 on.
func maintenanceWith(lines string) string {
	return feedWith(everyone) + "\nmaintenance:\n  - " + strings.ReplaceAll(lines, "\n", "\n    ")
}

// sunday is a right maintenance but for its schedule, which stands on line 10.
func sunday(schedule string) string {
	return maintenanceWith("name: weekly\nmatch: ['cluster=\"fsn1\"']\nschedule: " + schedule)
}

// once is a right maintenance but for its times, which stand from line 10 on.
func once(times string) string {
	return maintenanceWith("name: move\nmatch: ['cluster=\"fsn1\"']\n" + times)
}

var wrongMaintenances = []wrongFile{
	{"maintenance is a mapping", feedWith(everyone) + "\nmaintenance: {name: x}", []string{
		`7:14: maintenance is a mapping (key: value), and must be a list -> write - {name: weekly, match: ['cluster="fsn1"'], schedule: {cron: "0 2 * * 0", timezone: UTC, duration: 2h}}`,
	}},
	{"unknown key of a maintenance", once("form: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`10:5: unknown key "form" -> did you mean "from"?`,
	}},
	{"maintenance without anything", maintenanceWith("{}"), []string{
		`8:5: a maintenance has no name -> write name: weekly`,
		`8:5: maintenance "" does not say what it is for -> write match: ['cluster="fsn1"'], or match: ['feed=~".+"'] for everything`,
		`8:5: maintenance "" does not say when it is -> write schedule: {cron: "0 2 * * 0", timezone: UTC, duration: 2h}, or from: and to: with times such as 2026-01-31T02:00:00Z`,
	}},
	{"maintenance of everything", maintenanceWith("name: all\nmatch: []\nfrom: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`9:12: maintenance "all" does not say what it is for -> write match: ['cluster="fsn1"'], or match: ['feed=~".+"'] for everything`,
	}},
	{"maintenance's matcher", maintenanceWith("name: all\nmatch: ['a b=\"c\"', 'cluster=~\"(\"', '{}']\nfrom: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`9:13: 'a b="c"' is not a matcher: unexpected b: expected an operator such as '=', '!=', '=~' or '!~' -> write label="value", label!="value", label=~"regex" or label!~"regex"`,
		`9:24: the regular expression "(" is wrong: missing closing ) -> write one of RE2, the syntax of Prometheus`,
		`9:40: "{}" holds no matcher -> write for example cluster="fsn1", or feed=~".+" for everything`,
	}},
	{"maintenance's label", maintenanceWith("name: all\nmatch: ['\"a-b\"=\"c\"']\nfrom: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`9:13: label "a-b": letters, digits and '_' are allowed, and no digit first -> match feed, client or one of the client's labels`,
	}},
	{"maintenance of no feed", maintenanceWith("name: all\nmatch: ['cluster=\"fsn1\"', 'feed=\"profile\"']\nfrom: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`9:12: no feed fits feed="profile" -> did you mean "profiles"?`,
	}},
	{"maintenance of other feeds only", maintenanceWith("name: all\nmatch: ['feed!=\"profiles\"']\nfrom: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`9:12: no feed fits feed!="profiles" -> known: profiles`,
	}},
	{"maintenance twice", sunday("{cron: '0 2 * * 0', duration: 2h}") + "\n  - {name: weekly, match: ['a=\"b\"'], from: 2026-01-31T02:00:00Z, to: 2026-01-31T04:00:00Z}", []string{
		`11:12: maintenance "weekly" stands in the rule files twice -> keep one of them, or rename it`,
	}},
	{"schedule and from", sunday("{cron: '0 2 * * 0', duration: 2h}\nto: 2026-01-31T04:00:00Z"), []string{
		`11:5: a maintenance has either a schedule or from and to, this one has both -> make two maintenances`,
	}},
	{"schedule without anything", sunday("{}"), []string{
		`10:15: schedule has no cron -> write cron: "0 2 * * 0"`,
		`10:15: schedule has no duration -> write duration: 2h: how long a window lasts`,
	}},
	{"maintenance's cron and timezone", sunday("{cron: '0 2 * * 7', timezone: UTC, duration: 2h}") + "\n  - {name: x, match: ['a=\"b\"'], schedule: {cron: '@every 1h', timezone: Europe/Olso, duration: 2h}}", []string{
		`10:22: the day of week cannot be 7 -> write 0 to 6 (Sunday is 0), or sun, mon, tue, wed, thu, fri, sat`,
		`11:73: unknown timezone "Europe/Olso" -> did you mean "Europe/Oslo"?`,
	}},
	{"windows that overlap", sunday("{cron: '0 */2 * * *', duration: 2h}"), []string{
		`10:47: duration is 2h, and the schedule comes every 2h: its windows would overlap -> write less than 2h, or a cron that comes less often`,
	}},
	{"windows of a month", sunday("{cron: '0 2 1 1 *', duration: 32d}"), []string{
		`10:45: the maintenance lasts 32d, and 31d is the longest that is allowed -> write a shorter one; to end the watch of a feed write retired_feeds:`,
	}},
	{"no duration", sunday("{cron: '0 2 1 1 *', duration: 0s}"), []string{
		`10:45: duration is 0 -> write a time longer than 0, for example 15m`,
	}},
	{"from without to", once("from: 2026-01-31T02:00:00Z"), []string{
		`8:11: maintenance "move" has no end -> write to: and a time, for example 2026-01-31T06:00:00Z`,
	}},
	{"to without from", once("to: 2026-01-31T02:00:00Z"), []string{
		`8:11: maintenance "move" has no beginning -> write from: and a time, for example 2026-01-30T22:00:00Z`,
	}},
	{"times without an offset", once("from: 2026-01-31\nto: 2026-01-31 04:00"), []string{
		`10:11: from is "2026-01-31", and must be a time with its offset from UTC -> write 2026-01-31T00:00:00Z if UTC is meant, or +01:00 or another offset in place of Z`,
		`11:9: to is "2026-01-31 04:00", and must be a time with its offset from UTC -> write 2026-01-31T04:00:00Z if UTC is meant, or +01:00 or another offset in place of Z`,
	}},
	{"over before it begins", once("from: 2026-01-31T02:00:00+01:00\nto: 2026-01-31T01:00:00Z"), []string{
		`11:9: to is 2026-01-31T01:00:00Z, and from is 2026-01-31T01:00:00Z: the maintenance would be over before it begins -> write a later time`,
	}},
	{"a maintenance of years", once("from: 2025-01-31T02:00:00Z\nto: 2026-01-31T02:00:00Z"), []string{
		`11:9: the maintenance lasts 365d, and 31d is the longest that is allowed -> write a shorter one; to end the watch of a feed write retired_feeds:`,
	}},
	{"a slip in the year", once("from: 0206-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"), []string{
		`10:11: from is in the year 206 -> check the year`,
	}},
}

func mustMaintenance(t testing.TB, text string) *Maintenance {
	t.Helper()
	all := mustParse(t, text).Maintenances()
	if len(all) != 1 {
		t.Fatalf("%d maintenances", len(all))
	}
	return all[0]
}

func instant(t testing.TB, s string) feed.Instant {
	t.Helper()
	return feed.At(mustTime(t, s))
}

// said is a window as "from to", or "none".
func said(w Window, ok bool) string {
	switch {
	case !ok && w != Window{}:
		return "none, and yet " + w.From.String()
	case !ok:
		return "none"
	}
	return w.From.String() + " " + w.To.String()
}

func TestMaintenanceMatches(t *testing.T) {
	fsn1 := mustLabels(t, map[string]string{"cluster": "fsn1"})
	for match, want := range map[string]bool{
		`'cluster="fsn1"'`:                      true,
		`'cluster="nbg1"'`:                      false,
		`'feed="profiles"'`:                     true,
		`'feed=~".+"'`:                          true,
		`'feed=~".*"'`:                          true,
		`'feed=~"prof.*", cluster="fsn1"'`:      true,
		`'feed=~"profiles|consent"', client=x`:  false,
		`'feed!="consent"', 'client=~"batch-"'`: false,
		`client=batch-1`:                        true,
		`'tier=""'`:                             true,
	} {
		m := mustMaintenance(t, maintenanceWith("name: x\nmatch: ["+match+"]\nfrom: 2026-01-31T02:00:00Z\nto: 2026-01-31T04:00:00Z"))
		if got := m.Matches("profiles", "batch-1", fsn1); got != want {
			t.Errorf("%s (%s) fits: %t, want %t", match, m.Match(), got, want)
		}
		if m.Name() != "x" || m.Pos() != (Pos{"0.yaml", 8, 5}) {
			t.Errorf("maintenance %q stands at %s", m.Name(), m.Pos())
		}
	}
	if (Selector{}).Matches("profiles", "x", fsn1) || (Selector{}).MatchesFeed("profiles") {
		t.Error("the zero selector picks something")
	}
}

func TestMaintenanceOnce(t *testing.T) {
	m := mustMaintenance(t, once("from: 2026-01-31T03:00:00+01:00\nto: 2026-01-31T04:00:00Z"))
	const window = "2026-01-31T02:00:00Z 2026-01-31T04:00:00Z"
	for _, c := range []struct{ at, holds, next string }{
		{"2026-01-31T01:59:59.999Z", "none", window},
		{"2026-01-31T02:00:00Z", window, "none"},
		{"2026-01-31T03:59:59.999Z", window, "none"},
		{"2026-01-31T04:00:00Z", "none", "none"},
	} {
		if got := said(m.Window(instant(t, c.at))); got != c.holds {
			t.Errorf("at %s %s holds, want %s", c.at, got, c.holds)
		}
		if got := said(m.Next(instant(t, c.at))); got != c.next {
			t.Errorf("after %s comes %s, want %s", c.at, got, c.next)
		}
	}
}

// A window begins on the clock and lasts in elapsed time, whatever a change of
// the clock does in between.
func TestMaintenanceRepeated(t *testing.T) {
	for _, c := range []struct{ name, schedule, at, holds, next string }{
		{
			"before", "{cron: '0 2 * * 0', timezone: UTC, duration: 2h}", "2026-02-01T01:59:59.999Z",
			"none", "2026-02-01T02:00:00Z 2026-02-01T04:00:00Z",
		},
		{
			"at its start", "{cron: '0 2 * * 0', duration: 2h}", "2026-02-01T02:00:00Z",
			"2026-02-01T02:00:00Z 2026-02-01T04:00:00Z", "2026-02-08T02:00:00Z 2026-02-08T04:00:00Z",
		},
		{
			"just before its end", "{cron: '0 2 * * 0', duration: 2h}", "2026-02-01T03:59:59.999Z",
			"2026-02-01T02:00:00Z 2026-02-01T04:00:00Z", "2026-02-08T02:00:00Z 2026-02-08T04:00:00Z",
		},
		{
			"at its end", "{cron: '0 2 * * 0', duration: 2h}", "2026-02-01T04:00:00Z",
			"none", "2026-02-08T02:00:00Z 2026-02-08T04:00:00Z",
		},
		{
			"winter", "{cron: '0 2 * * *', timezone: Europe/Oslo, duration: 2h}", "2026-03-28T02:00:00Z",
			"2026-03-28T01:00:00Z 2026-03-28T03:00:00Z", "2026-03-29T01:00:00Z 2026-03-29T03:00:00Z",
		},
		{
			"its time is skipped", "{cron: '30 2 * * *', timezone: Europe/Oslo, duration: 2h}", "2026-03-29T01:00:00Z",
			"2026-03-29T01:00:00Z 2026-03-29T03:00:00Z", "2026-03-30T00:30:00Z 2026-03-30T02:30:00Z",
		},
		{
			"the clock goes forward in it", "{cron: '0 1 * * *', timezone: Europe/Oslo, duration: 2h}", "2026-03-29T01:59:00Z",
			"2026-03-29T00:00:00Z 2026-03-29T02:00:00Z", "2026-03-29T23:00:00Z 2026-03-30T01:00:00Z",
		},
		{
			"the clock goes back in it", "{cron: '30 2 * * *', timezone: Europe/Oslo, duration: 2h}", "2026-10-25T01:30:00Z",
			"2026-10-25T00:30:00Z 2026-10-25T02:30:00Z", "2026-10-26T01:30:00Z 2026-10-26T03:30:00Z",
		},
		{
			"a day of 23 h makes two meet", "{cron: '0 4 * * *', timezone: Europe/Oslo, duration: 23h30m}", "2026-03-29T02:15:00Z",
			"2026-03-28T03:00:00Z 2026-03-29T02:30:00Z", "2026-03-30T02:00:00Z 2026-03-31T01:30:00Z",
		},
		{
			"Lord Howe skips half an hour", "{cron: '10 2 * * *', timezone: Australia/Lord_Howe, duration: 1h}", "2026-10-03T15:30:00Z",
			"2026-10-03T15:30:00Z 2026-10-03T16:30:00Z", "2026-10-04T15:10:00Z 2026-10-04T16:10:00Z",
		},
		{
			"Lord Howe repeats half an hour", "{cron: '45 1 * * *', timezone: Australia/Lord_Howe, duration: 1h}", "2026-04-04T15:20:00Z",
			"2026-04-04T14:45:00Z 2026-04-04T15:45:00Z", "2026-04-05T15:15:00Z 2026-04-05T16:15:00Z",
		},
		{
			"New York skips it", "{cron: '30 2 * * *', timezone: America/New_York, duration: 1h}", "2026-03-08T07:00:00Z",
			"2026-03-08T07:00:00Z 2026-03-08T08:00:00Z", "2026-03-09T06:30:00Z 2026-03-09T07:30:00Z",
		},
		{
			"Santiago skips midnight", "{cron: '0 0 * * *', timezone: America/Santiago, duration: 1h}", "2026-09-06T04:00:00Z",
			"2026-09-06T04:00:00Z 2026-09-06T05:00:00Z", "2026-09-07T03:00:00Z 2026-09-07T04:00:00Z",
		},
		{
			"Santiago repeats 23:30", "{cron: '30 23 * * *', timezone: America/Santiago, duration: 20m}", "2026-04-05T03:30:00Z",
			"none", "2026-04-06T03:30:00Z 2026-04-06T03:50:00Z",
		},
		{
			"Apia skips a day", "{cron: '0 6 * * *', timezone: Pacific/Apia, duration: 2h}", "2011-12-30T10:00:00Z",
			"2011-12-30T10:00:00Z 2011-12-30T12:00:00Z", "2011-12-30T16:00:00Z 2011-12-30T18:00:00Z",
		},
		{
			"29 February", "{cron: '0 2 29 2 *', duration: 2h}", "2028-02-29T03:00:00Z",
			"2028-02-29T02:00:00Z 2028-02-29T04:00:00Z", "2032-02-29T02:00:00Z 2032-02-29T04:00:00Z",
		},
		{
			"and the later goes on", "{cron: '0 4 * * *', timezone: Europe/Oslo, duration: 23h30m}", "2026-03-29T02:30:00Z",
			"2026-03-29T02:00:00Z 2026-03-30T01:30:00Z", "2026-03-30T02:00:00Z 2026-03-31T01:30:00Z",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustMaintenance(t, sunday(c.schedule))
			if got := said(m.Window(instant(t, c.at))); got != c.holds {
				t.Errorf("%s holds, want %s", got, c.holds)
			}
			if got := said(m.Next(instant(t, c.at))); got != c.next {
				t.Errorf("next is %s, want %s", got, c.next)
			}
		})
	}
}

// Whatever the schedule, Window and Next tell of the same windows.
func TestMaintenanceWindowsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cron := rapid.SampledFrom([]string{"0 2 * * 0", "30 2 * * *", "*/15 * * * *", "0 1,3 * * *", "0 0 29 2 *"}).Draw(t, "cron")
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Oslo", "America/New_York", "Australia/Lord_Howe"}).Draw(t, "timezone")
		minutes := rapid.IntRange(1, 14).Draw(t, "minutes")
		set, err := Parse([]File{{"a.yaml", []byte(sunday(fmt.Sprintf("{cron: '%s', timezone: %s, duration: %dm}", cron, zone, minutes)))}})
		if err != nil {
			t.Fatal(err)
		}
		m := set.Maintenances()[0]
		at := feed.Instant(rapid.Int64Range(1_767_225_600_000, 1_830_297_600_000).Draw(t, "at"))
		next, ok := m.Next(at)
		if !ok || next.From <= at || next.To.Sub(next.From) != time.Duration(minutes)*time.Minute {
			t.Fatalf("after %s comes %s", at, said(next, ok))
		}
		inside := next.From + feed.Instant(rapid.Int64Range(0, int64(next.To-next.From)-1).Draw(t, "inside"))
		if got, ok := m.Window(inside); !ok || got != next {
			t.Fatalf("at %s %s holds, want %s", inside, said(got, ok), said(next, true))
		}
		if got, ok := m.Window(at); ok && (got.From > at || got.To <= at) {
			t.Fatalf("at %s %s holds", at, said(got, ok))
		}
		if got, ok := m.Window(next.From - 1); ok && got.From >= next.From {
			t.Fatalf("before %s %s holds", next.From, said(got, ok))
		}
	})
}

func checkMaintenance(t *testing.T, m *Maintenance) {
	t.Helper()
	if m.Name() == "" || len(m.Match()) == 0 {
		t.Fatalf("maintenance %+v", m)
	}
	at := feed.Instant(0)
	for range 3 {
		w, ok := m.Next(at)
		if !ok {
			return
		}
		if w.From <= at || w.To <= w.From || w.To.Sub(w.From) > WindowMax {
			t.Fatalf("after %s comes %s", at, said(w, ok))
		}
		if got, ok := m.Window(w.To - 1); !ok || got.From > w.To-1 || got.To < w.To {
			t.Fatalf("%s does not hold just before its end, but %s", said(w, true), said(got, ok))
		}
		at = w.From
	}
}

func TestTooManyMaintenances(t *testing.T) {
	var b strings.Builder
	b.WriteString(feedWith(everyone) + "\nmaintenance:\n")
	for i := range MaintenancesMax + 2 {
		fmt.Fprintf(&b, "  - {name: m%d, match: ['a=\"b\"'], from: 2026-01-31T02:00:00Z, to: 2026-01-31T04:00:00Z}\n", i)
	}
	got := findingsOf(t, b.String())
	want := []string{"1008:5: more than 1000 maintenances in all files -> remove those that are over"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q", got)
	}
}
