package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// norway has what is understood: a folded line, a zone, several days, each year.
const norway = "\ufeffBEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n" +
	"BEGIN:VTIMEZONE\r\nTZID:Europe/Oslo\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n" +
	"BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:påske\r\nDESCRIPTION:fra skjærtorsdag \r\n til annen påskedag\r\nDTSTART;VALUE=DATE:20260402\r\nDTEND;VALUE=DATE:20260407\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:1. mai\r\nDTSTART;VALUE=DATE:19470501\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:3\r\nSUMMARY:skuddårsdag\r\nDTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY;COUNT=2\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:4\r\nSUMMARY:flytting\r\nDTSTART;VALUE=DATE:20260810\r\nRRULE:FREQ=YEARLY;INTERVAL=1;UNTIL=20270810\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT1H\r\nEND:VALARM\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:5\r\nSUMMARY:avlyst\r\nSTATUS:CANCELLED\r\nDTSTART:20260901T080000Z\r\nEND:VEVENT\r\n" +
	"END:VCALENDAR\r\n"

func TestCalendarsOfHolidays(t *testing.T) {
	r := activeRule(t, "stale_after: 1h\nactive: {timezone: UTC, holidays: [2026-12-24, {file: norway.ics}]}", File{Name: "norway.ics", Data: []byte(norway)})
	for date, want := range map[string]bool{
		"2026-04-01": true, "2026-04-02": false, "2026-04-06": false, "2026-04-07": true,
		"2000-05-01": false, "2026-05-01": false, "2199-05-01": false, "2026-05-02": true,
		"2024-02-29": false, "2028-02-29": false, "2032-02-29": true, "2025-03-01": true,
		"2025-08-10": true, "2026-08-10": false, "2027-08-10": false, "2028-08-10": true,
		"2026-09-01": true, "2026-12-24": false,
	} {
		if got := r.Active().Holds(feed.Instant(mustMilli(date + "T12:00:00Z"))); got != want {
			t.Errorf("%s is active: %t, want %t", date, got, want)
		}
	}
	if got, want := r.Active().String(), "mon-sun 00:00-24:00 UTC, but for 9 holidays"; got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
	if got, want := r.LongestGap(), 5*24*time.Hour+time.Hour; got != want {
		t.Errorf("the longest gap is %s, want %s", got, want)
	}
}

// Calendars are read with the rule files, belong to the version of the set, and
// an edit of one is told.
func TestCalendarsAreFilesOfTheSet(t *testing.T) {
	text := officeWith("{timezone: UTC, holidays: {file: Norway.ICS}}")
	files, err := LoadFS(fstest.MapFS{
		"a.yaml": {Data: []byte(text)}, "Norway.ICS": {Data: []byte(norway)}, ".hidden.ics": {Data: []byte("x")}, "notes.md": {},
	})
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	set, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	if set.Warnings().Files != 1 {
		t.Errorf("%d rule files, want 1", set.Warnings().Files)
	}
	edited := slices.Clone(files)
	edited[0].Data = []byte(strings.Replace(norway, "20260402", "20260403", 1))
	after, err := Parse(edited)
	if err != nil {
		t.Fatal(err)
	}
	if after.Version() == set.Version() {
		t.Error("an edit of the calendar is no new version")
	}
	changes, _ := Changes(files, edited)
	if len(changes) != 1 || changes[0].What != "calendar Norway.ICS, contents" {
		t.Errorf("changes are %v", changes)
	}
	if changes, _ := Changes(files[1:], files); len(changes) != 1 || changes[0].String() != "calendar Norway.ICS: added" {
		t.Errorf("changes are %v", changes)
	}
	if _, err := Parse(files[:1]); err == nil || !strings.Contains(err.Error(), "no feeds") && !strings.Contains(err.Error(), "no rule files") {
		t.Errorf("a calendar alone gives %v", err)
	}
}

// A calendar in which every day is a holiday leaves nothing to watch.
func TestHolidaysForEver(t *testing.T) {
	always := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20210101\nRRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR\n"
	for _, when := range []string{"stale_after: 30m", "expect: {cron: '0 6 * * *', grace: 1h}"} {
		_, err := Parse([]File{
			{Name: "a.yaml", Data: []byte(ruleWith(when + "\nactive: {timezone: UTC, holidays: {file: a.ics}}"))},
			{Name: "a.ics", Data: []byte(always)},
		})
		if err == nil || !strings.Contains(err.Error(), "[never-active]") {
			t.Errorf("%s: found %v", when, err)
		}
	}
}

func TestTooManyActives(t *testing.T) {
	var b strings.Builder
	b.WriteString("rules:")
	for i := range ActivesMax + 1 {
		fmt.Fprintf(&b, "\n  - {name: r%d, match: ['client=\"c%d\"'], stale_after: 30m, active: {hours: '%02d:%02d-18:00', timezone: Europe/Oslo}}", i, i, i/60, i%60)
	}
	b.WriteString("\n  - {name: rest, stale_after: 30m}")
	_, err := Parse([]File{{Name: "a.yaml", Data: []byte(feedWith(b.String()))}})
	if err == nil || !strings.Contains(err.Error(), "more than 1000 different active hours in all files") || !strings.Contains(err.Error(), "1 error") {
		t.Errorf("found %v", err)
	}
}

// A calendar that is not named is not read: it may be any file.
func TestCalendarsThatNobodyNames(t *testing.T) {
	if _, err := Parse([]File{{Name: "a.yaml", Data: []byte(ruleWith("stale_after: 1h"))}, {Name: "b.ics", Data: []byte("no calendar")}}); err != nil {
		t.Error(err)
	}
	wrong := officeWith("{timezone: UTC, holidays: {file: norwya.ics}}")
	_, err := Parse([]File{{Name: "r/a.yaml", Data: []byte(wrong)}, {Name: "r/norway.ics"}, {Name: "other/sweden.ics"}})
	if err == nil || !strings.Contains(err.Error(), `did you mean "norway.ics"?`) {
		t.Errorf("found %v", err)
	}
}

func FuzzCalendar(f *testing.F) {
	f.Add([]byte(norway))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nRRULE:FREQ=YEARLY;UNTIL=2\nEND:VEVENT\nEND:VCALENDAR"))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;X=\"a:20260101\nEND:VCALENDAR"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found := &Findings{}
		file := &icalFile{name: "a.ics", data: data}
		file.read(found)
		if file.wrong != (len(found.All) > 0) {
			t.Fatalf("wrong: %t, with %d findings", file.wrong, len(found.All))
		}
		if !file.wrong && (file.count == 0 || len(file.days) == 0) {
			t.Fatalf("%d days, counted as %d", len(file.days), file.count)
		}
	})
}
