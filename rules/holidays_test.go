package rules

import (
	"strings"
	"testing"
)

func TestHolidaysSince(t *testing.T) {
	with := func(holidays, ical string) *Active {
		t.Helper()
		files := []File{{Name: "all.yaml", Data: []byte(`feeds:
  - name: f
    escalation: on-call
    rules: [{name: all, stale_after: 1h, active: {days: mon-fri, timezone: UTC` + holidays + `}}]
escalations: [{name: on-call, steps: [{notify: [pagerduty/cdp]}]}]
`)}}
		if ical != "" {
			files = append(files, File{Name: "no.ics", Data: []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + ical + "END:VCALENDAR\r\n")})
		}
		set, err := Parse(files)
		if err != nil {
			t.Fatal(err)
		}
		return set.Feeds()[0].ClientRules()[0].Active()
	}
	event := func(day, more string) string {
		return "BEGIN:VEVENT\r\nUID:" + day + "\r\nDTSTART;VALUE=DATE:" + day + "\r\n" + more + "END:VEVENT\r\n"
	}
	yearly := event("20260517", "RRULE:FREQ=YEARLY\r\n")
	for _, c := range []struct {
		name           string
		was, now       *Active
		added, removed string
	}{
		{"none", with("", ""), with("", ""), "", ""},
		{"the same", with(", holidays: [2026-12-24, 2026-12-25]", ""), with(", holidays: [2026-12-25, 2026-12-24]", ""), "", ""},
		{"one for another", with(", holidays: 2026-12-24", ""), with(", holidays: 2026-12-25", ""), "2026-12-25", "2026-12-24"},
		{"all time before", nil, with(", holidays: 2026-12-25", ""), "2026-12-25", ""},
		{"a date that comes each year", with("", ""), with(", holidays: {file: no.ics}", yearly+event("20270101", "")), "17 May of each year from 2026, 2027-01-01", ""},
		{"and no longer", with(", holidays: {file: no.ics}", yearly), with("", ""), "", "17 May of each year from 2026"},
		{"29 February", nil, with(", holidays: {file: no.ics}", event("20280229", "RRULE:FREQ=YEARLY\r\n")), "29 Feb of each year from 2028", ""},
		{"to its end", nil, with(", holidays: {file: no.ics}", event("20260517", "RRULE:FREQ=YEARLY;COUNT=20\r\n")), "17 May of each year from 2026 to 2045", ""},
		{
			"many", nil, with(", holidays: ["+strings.Join([]string{
				"2026-01-01", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14", "2026-05-25", "2026-12-24", "2026-12-25", "2026-12-31", "2027-01-01",
			}, ", ")+"]", ""),
			"2026-01-01, 2026-04-03, 2026-04-06, 2026-05-01, 2026-05-14, 2026-05-25, 2026-12-24, 2026-12-25, and 2 more", "",
		},
	} {
		if added, removed := c.now.HolidaysSince(c.was); added != c.added || removed != c.removed {
			t.Errorf("%s: added %q, removed %q", c.name, added, removed)
		}
	}
}
