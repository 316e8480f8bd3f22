package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// officeWith is a right rule but for its active, which stands on line 10.
func officeWith(active string) string { return ruleWith("stale_after: 30m\nactive: " + active) }

var wrongActives = []wrongFile{
	{"active of nothing", officeWith("{}"), []string{
		`10:17: active has no timezone -> write timezone: Europe/Oslo, whose clock the hours are of`,
		`10:17: active says neither days nor hours nor holidays -> write active: {days: mon-fri, hours: "08:00-18:00", timezone: Europe/Oslo}`,
	}},
	{"active is text", officeWith("mon-fri"), []string{
		`10:17: active is "mon-fri" -> write keys and values here: days, hours, timezone and holidays`,
	}},
	{"active without a timezone", officeWith("{days: mon-fri}"), []string{
		`10:17: active has no timezone -> write timezone: Europe/Oslo, whose clock the hours are of`,
	}},
	{"active in a wrong timezone", officeWith("{days: mon-fri, timezone: Europe/Olso}"), []string{
		`10:43: unknown timezone "Europe/Olso" -> did you mean "Europe/Oslo"?`,
	}},
	{"active with a wrong key", officeWith("{day: mon-fri, timezone: UTC}"), []string{
		`10:18: unknown key "day" -> did you mean "days"?`,
	}},
	{"wrong days", officeWith("{days: [mo, fri-fri, sun-monday], timezone: UTC}"), []string{
		`10:25: "mo" is no day of the week -> write mon`,
		`10:29: "fri-fri" begins and ends on the same day -> write fri`,
		`10:38: "sun-monday" is no day of the week -> write sun-mon`,
	}},
	{"days are none", officeWith("{days: [], timezone: UTC}"), []string{
		`10:24: days is an empty list -> write mon-fri, or a list such as [mon, wed-fri], or leave the key out`,
	}},
	{"wrong hours", officeWith("{hours: ['8-18', '24:00-25:00', '08:00-08:00', '08:0-18:00', '08:00'], timezone: UTC}"), []string{
		`10:26: "8-18" are no hours -> write "08:00-18:00"`,
		`10:34: "24:00-25:00" are no hours -> write for example "08:00-18:00", or "22:00-06:00" for hours that end on the next day`,
		`10:49: "08:00-08:00" are hours without length -> write "00:00-24:00" for the whole day, or leave the key out`,
		`10:64: "08:0-18:00" are no hours -> write for example "08:00-18:00", or "22:00-06:00" for hours that end on the next day`,
		`10:78: "08:00" are no hours -> write for example "08:00-18:00", or "22:00-06:00" for hours that end on the next day`,
	}},
	{"hours that overlap", officeWith("{hours: ['22:00-06:00', '05:00-09:00', '10:00-12:00', '12:00-23:00'], timezone: UTC}"), []string{
		`10:41: hours 22:00-06:00 and 05:00-09:00 overlap -> make one of them`,
		`10:71: hours 22:00-06:00 and 12:00-23:00 overlap -> make one of them`,
	}},
	{"wrong holidays", officeWith("{holidays: [24.12.2026, 2026-02-30, 1926-01-01, 2026-12-25, 2026-12-25], timezone: UTC}"), []string{
		`10:29: "24.12.2026" is no date -> write 2026-12-24`,
		`10:41: holidays: no such date comes: 2026-02-30 -> check day and month`,
		`10:53: 1926-01-01 is in the year 1926 -> check the year`,
		`10:77: 2026-12-25 stands in the holidays twice -> keep one of them`,
	}},
	{"29 February of another year", officeWith("{holidays: 2027-02-29, timezone: UTC}"), []string{
		`10:28: holidays: no such date comes: 2027-02-29 -> check day and month`,
	}},
	{"no such calendar", officeWith("{holidays: {file: norway.ics}, timezone: UTC}"), []string{
		`10:35: there is no calendar "norway.ics" beside this file -> put it there, or write dates: holidays: [2026-12-24, 2026-12-25]`,
	}},
	{"a calendar elsewhere", officeWith("{holidays: [{file: ../norway.ics}, {}], timezone: UTC}"), []string{
		`10:36: there is no calendar "../norway.ics" beside this file -> put it there, or write dates: holidays: [2026-12-24, 2026-12-25]`,
		`10:52: a calendar of holidays has no file -> write {file: norway.ics}`,
	}},
	{"runs outside of the hours", ruleWith("expect: {cron: '0 6 * * *', timezone: Europe/Oslo, grace: 1h}\nactive: {days: mon-fri, hours: '08:00-18:00', timezone: Europe/Oslo}"), []string{
		`10:17: rule "first" expects runs of cron "0 6 * * *" within mon-fri 08:00-18:00 Europe/Oslo, and none comes then for years -> write hours in which runs come, or active without hours`,
	}},
	{"hours too short", officeWith("{days: sun, hours: '08:00-08:01', timezone: UTC}") + "\n  - {name: more, escalation: on-call, active: {days: sun, hours: '08:00-08:01', timezone: UTC}, rules: [{name: all, stale_after: 1d}]}", []string{
		`12:130: rule "all" is stale after 1d within sun 08:00-08:01 UTC, which may take more than ten years -> write longer hours, or a shorter time`,
	}},
	{"forgotten over a weekend", ruleWith("stale_after: 30m\nforget_after: 2d\nactive: {days: mon-fri, timezone: UTC}"), []string{
		`10:23: forget_after is 2d: a series would be forgotten before it is stale (2d30m) -> write a longer time, for example 30d`,
	}},
}

// What is wrong with a calendar is told at its event.
func TestWrongCalendars(t *testing.T) {
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:fine\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VEVENT\r\n" +
			"BEGIN:VEVENT\r\nSUMMARY:Skjærtorsdag\r\n" + strings.ReplaceAll(lines, "\n", "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	const day = "DTSTART;VALUE=DATE:20260402\n"
	const alone = " -> write its dates as events of their own"
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", `1:1: not an iCalendar file, or cut short: it does not end with END:VCALENDAR -> export it anew`},
		{"cut short", event(day + "X-A:1")[:150], `1:1: not an iCalendar file, or cut short: it does not end with END:VCALENDAR -> export it anew`},
		{"no calendar", "<html>END:VCALENDAR", `1:1: not an iCalendar file: parsing calendar line 0 -> export it anew`},
		{"no events", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n", `1:1: the calendar has no holiday -> remove it, or check what was exported`},
		{"tasks", "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\nEND:VTODO\nEND:VCALENDAR\n", `1:1: the calendar has something else than events -> keep the events that last all day`},
		{"not UTF-8", "BEGIN:VCALENDAR\n\xff\nEND:VCALENDAR\n", `1:1: a byte that is not UTF-8 -> export it anew`},
		{"a time of day", event("DTSTART:20260402T080000Z"), `7:1: "Skjærtorsdag" does not last all day: DTSTART is 20260402T080000Z -> write a date alone, as in DTSTART;VALUE=DATE:20261224`},
		{"an end with a time of day", event(day + "DTEND:20260402T080000"), `7:1: "Skjærtorsdag" does not last all day: DTEND is 20260402T080000 -> write a date alone, as in DTEND;VALUE=DATE:20261224`},
		{"no start", event("X-A:1"), `7:1: "Skjærtorsdag" has no DTSTART -> export it anew`},
		{"no date", event("DTSTART;VALUE=DATE:20260230"), `7:1: "Skjærtorsdag" has the DTSTART 20260230, which is no date -> write it as 20261224`},
		{"another century", event("DTSTART;VALUE=DATE:16010101"), `7:1: "Skjærtorsdag" is in the year 1601 -> check the year`},
		{"ends before it begins", event(day + "DTEND;VALUE=DATE:20260401"), `7:1: "Skjærtorsdag" lasts -1 days -> DTEND is the day after its last, at most 366 later`},
		{"a century", event(day + "DTEND;VALUE=DATE:21260401"), `7:1: "Skjærtorsdag" lasts 36523 days -> DTEND is the day after its last, at most 366 later`},
		{"weekly", event(day + "RRULE:FREQ=WEEKLY"), `7:1: "Skjærtorsdag" has the RRULE FREQ=WEEKLY, and only FREQ=YEARLY on one date is understood` + alone},
		{"Easter", event(day + "RRULE:FREQ=YEARLY;BYEASTER=-3"), `7:1: "Skjærtorsdag" has the RRULE FREQ=YEARLY,BYEASTER=-3, and only FREQ=YEARLY on one date is understood` + alone},
		{"another month", event(day + "RRULE:FREQ=YEARLY;BYMONTH=5"), `7:1: "Skjærtorsdag" has the RRULE FREQ=YEARLY,BYMONTH=5, and only FREQ=YEARLY on one date is understood` + alone},
		{"each second year", event(day + "RRULE:FREQ=YEARLY;INTERVAL=2"), `7:1: "Skjærtorsdag" has the RRULE FREQ=YEARLY,INTERVAL=2, and only FREQ=YEARLY on one date is understood` + alone},
		{"two rules", event(day + "RRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY"), `7:1: "Skjærtorsdag" has two RRULEs` + alone},
		{"more dates", event(day + "RDATE;VALUE=DATE:20270401"), `7:1: "Skjærtorsdag" has RDATE, which is not understood` + alone},
		{"an exception", event(day + "RRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20270402"), `7:1: "Skjærtorsdag" has EXDATE, which is not understood` + alone},
		{"a duration", event(day + "DURATION:P2D"), `7:1: "Skjærtorsdag" has DURATION, which is not understood` + alone},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]File{
				{Name: "rules/a.yaml", Data: []byte(officeWith("{holidays: {file: norway.ics}, timezone: UTC}"))},
				{Name: "rules/norway.ics", Data: []byte(c.file)},
			})
			var found *Findings
			if !errors.As(err, &found) {
				t.Fatalf("found nothing: %v", err)
			}
			var got []string
			for _, f := range found.All {
				if f.Level == LevelError {
					got = append(got, fmt.Sprintf("%d:%d: %s -> %s", f.Line, f.Col, f.Message, f.Hint))
					if f.File != "rules/norway.ics" || f.Check != wrongHolidays {
						t.Errorf("%s in %s", f.Check, f.File)
					}
				}
			}
			if !slices.Equal(got, []string{c.want}) {
				t.Errorf("found\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), c.want)
			}
		})
	}
}
