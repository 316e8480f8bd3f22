package rules

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

// icalFile is an iCalendar file that lies beside rule files. It is read when a rule
// file first names it: others are not ours.
type icalFile struct {
	name  string
	data  []byte
	done  bool
	wrong bool
	days  holidays
	count int // days, those that come each year once
}

// read takes the days of all events, once. What is wrong is told at its event.
func (f *icalFile) read(found *Findings) {
	if f.done {
		return
	}
	f.done, f.days = true, holidays{}
	src := &source{name: f.name, text: string(f.data)}
	fail := func(line int, err error) {
		f.wrong = true
		message, hint, _ := strings.Cut(err.Error(), "; ")
		found.add(spot{src: src, pos: Pos{Line: line, Col: 1}}, wrongHolidays, message, hint)
	}
	calendar, err := parseICal(f.data)
	if err != nil {
		fail(1, err)
		return
	}
	lines := eventLines(src)
	for i, part := range calendar.Components {
		event, ok := part.(*ics.VEvent)
		if !ok {
			if _, zone := part.(*ics.VTimezone); !zone {
				fail(1, fmt.Errorf("the calendar has something else than events; keep the events that last all day"))
			}
			continue
		}
		n := len(calendar.Components[:i]) - others(calendar.Components[:i])
		if err := f.addEvent(event); err != nil {
			fail(lines[min(n, len(lines)-1)], err)
		}
	}
	if !f.wrong && len(f.days) == 0 {
		fail(1, errors.New("the calendar has no holiday; remove it, or check what was exported"))
	}
}

// others is how many of them are no events.
func others(parts []ics.Component) int {
	n := 0
	for _, p := range parts {
		if _, event := p.(*ics.VEvent); !event {
			n++
		}
	}
	return n
}

// parseICal reads a file as the library does, which takes one that was cut short.
func parseICal(data []byte) (c *ics.Calendar, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not an iCalendar file: %v; export it anew", p)
		}
	}()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > FileBytesMax:
		return nil, fmt.Errorf("the file has more than %d bytes; keep the holidays alone", FileBytesMax)
	case !utf8.Valid(data):
		return nil, errors.New("a byte that is not UTF-8; export it anew")
	case !bytes.HasSuffix(bytes.TrimSpace(data), []byte("END:VCALENDAR")):
		return nil, errors.New("not an iCalendar file, or cut short: it does not end with END:VCALENDAR; export it anew")
	}
	if c, err = ics.ParseCalendar(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("not an iCalendar file: %s; export it anew", strings.ReplaceAll(err.Error(), ";", ","))
	}
	return c, nil
}

// eventLines is where each event begins; the first line where there is none.
func eventLines(src *source) []int {
	src.split()
	var all []int
	for i, line := range src.lines {
		if strings.EqualFold(strings.TrimSpace(line), "BEGIN:VEVENT") {
			all = append(all, i+1)
		}
	}
	if len(all) == 0 {
		return []int{1}
	}
	return all
}

// addEvent takes the days of one event.
func (f *icalFile) addEvent(e *ics.VEvent) error {
	what := "the event"
	if p := e.GetProperty(ics.ComponentPropertySummary); p != nil {
		what = quoted(p.Value)
	}
	if p := e.GetProperty(ics.ComponentPropertyStatus); p != nil && strings.EqualFold(p.Value, "CANCELLED") {
		return nil
	}
	for _, not := range []ics.ComponentProperty{"RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "DURATION"} {
		if e.GetProperty(not) != nil {
			return fmt.Errorf("%s has %s, which is not understood; write its dates as events of their own", what, not)
		}
	}
	from, err := icalDate(e.GetProperty(ics.ComponentPropertyDtStart), what, "DTSTART")
	if err != nil {
		return err
	}
	to := from + 1
	if p := e.GetProperty(ics.ComponentPropertyDtEnd); p != nil {
		if to, err = icalDate(p, what, "DTEND"); err != nil {
			return err
		}
	}
	if to <= from || to-from > holidayDaysMax {
		return fmt.Errorf("%s lasts %s; DTEND is the day after its last, at most %d later", what, counted(int(to-from), "day"), holidayDaysMax)
	}
	rules := e.GetProperties(ics.ComponentPropertyRrule)
	if len(rules) == 0 {
		f.addDays(from, to)
		f.count += int(to - from)
		return nil
	}
	if len(rules) > 1 {
		return fmt.Errorf("%s has two RRULEs; write its dates as events of their own", what)
	}
	return f.addYearly(rules[0].Value, what, from, to)
}

// holidayDaysMax is how long one event may be.
const holidayDaysMax = 366

func (f *icalFile) addDays(from, to date) {
	for d := from; d < to; d++ {
		f.days[d] = true
	}
}

// icalDate reads a date without a time of day.
func icalDate(p *ics.IANAProperty, what, key string) (date, error) {
	if p == nil {
		return 0, fmt.Errorf("%s has no %s; export it anew", what, key)
	}
	t, err := time.Parse("20060102", p.Value)
	switch {
	case err != nil && len(p.Value) > len("20060102"):
		return 0, fmt.Errorf("%s does not last all day: %s is %s; write a date alone, as in %s;VALUE=DATE:20261224", what, key, shortened(p.Value), key)
	case err != nil:
		return 0, fmt.Errorf("%s has the %s %s, which is no date; write it as 20261224", what, key, shortened(p.Value))
	case t.Year() < activeFirst-100 || t.Year() > activeLast:
		return 0, fmt.Errorf("%s is in the year %d; check the year", what, t.Year())
	}
	return date(t.Unix() / (24 * 3600)), nil
}

// addYearly takes an event that comes each year on the same date, which is all that
// is understood of recurrence. In a year without that date it does not come.
func (f *icalFile) addYearly(rule, what string, from, to date) error {
	start := time.Unix(int64(from)*24*3600, 0).UTC()
	last, times := dayOf(activeLast, time.December, 31), activeLast-start.Year()+1
	yearly := false
	for part := range strings.SplitSeq(strings.ToUpper(rule), ";") {
		key, value, _ := strings.Cut(part, "=")
		number, err := strconv.Atoi(value)
		understood := true
		switch key {
		case "FREQ":
			yearly = value == "YEARLY"
		case "INTERVAL":
			understood = number == 1
		case "BYMONTH":
			understood = number == int(start.Month())
		case "BYMONTHDAY":
			understood = number == start.Day()
		case "WKST":
		case "COUNT":
			understood = err == nil && number > 0
			times = number
		case "UNTIL":
			until, err := time.Parse("20060102", value[:min(len(value), len("20060102"))])
			understood = err == nil
			last = min(last, date(until.Unix()/(24*3600)))
		default:
			understood = false
		}
		if !understood {
			return yearlyOnly(what, rule)
		}
	}
	if !yearly {
		return yearlyOnly(what, rule)
	}
	f.count += int(to - from)
	for year := start.Year(); year <= activeLast && times > 0; year++ {
		d := dayOf(year, start.Month(), start.Day())
		if d > last {
			break
		}
		if time.Unix(int64(d)*24*3600, 0).UTC().Day() != start.Day() {
			continue // 29 February
		}
		times--
		f.addDays(d, d+to-from)
	}
	return nil
}

func yearlyOnly(what, rule string) error {
	return fmt.Errorf("%s has the RRULE %s, and only FREQ=YEARLY on one date is understood; write its dates as events of their own",
		what, strings.ReplaceAll(shortened(rule), ";", ","))
}
