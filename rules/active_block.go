package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// What active looks like, for hints.
const (
	activeExample   = `active: {days: mon-fri, hours: "08:00-18:00", timezone: Europe/Oslo}`
	hoursExample    = `"08:00-18:00", or "22:00-06:00" for hours that end on the next day`
	daysExample     = "mon-fri, or a list such as [mon, wed-fri]"
	holidaysExample = "[2026-12-24, 2026-12-25], or {file: norway.ics} for a calendar beside this file"
)

// readRuleActive reads when silence counts for a rule.
func (r *reader) readRuleActive(rule *Rule, m mapping, own *defaults) {
	if m.has("active") {
		rule.active = r.readActive(m.get("active"))
		return
	}
	own.activate(rule)
}

// readActive reads when silence counts: always, as far as anybody can tell from what
// is wrong.
func (r *reader) readActive(n *yaml.Node) *Active {
	if n == nil {
		return nil
	}
	m, ok := r.mapping(n, activeObject)
	if !ok {
		return nil
	}
	if !m.has("timezone") && !m.strange {
		r.fail(m.node, missingKey, "active has no timezone", "write timezone: Europe/Oslo, whose clock the hours are of")
	}
	if !m.has("days") && !m.has("hours") && !m.has("holidays") && !m.strange {
		r.fail(m.node, missingKey, "active says neither days nor hours nor holidays", "write "+activeExample)
	}
	before := len(r.found.All)
	a := &Active{days: r.days(m.get("days")), hours: r.hours(m.get("hours"))}
	own, count, sources := r.holidays(m.get("holidays"))
	a.holidays = own
	zone := r.timezone(m)
	if len(r.found.All) > before || zone == nil || !m.has("timezone") {
		return nil
	}
	if a.days == allDays && a.minutes() == dayMinutes && len(own) == 0 {
		return nil // always
	}
	besides := ""
	if count > 0 {
		besides = ", but for " + counted(count, "holiday")
	}
	a.loc, a.text = zone, a.words(m.get("timezone").Value, besides)
	return r.sameActive(a.text+sources, a, m.node)
}

// sameActive is the one that was read before with the same key: many rules share
// theirs, and what was worked out for one is there for all.
func (r *reader) sameActive(key string, a *Active, n *yaml.Node) *Active {
	if known := r.actives[key]; known != nil {
		return known
	}
	if len(r.actives) == ActivesMax {
		r.fail(n, tooMuch, fmt.Sprintf("more than %d different active hours in all files", ActivesMax), "let rules share theirs: write active in the feed")
	}
	r.actives[key] = a
	return a
}

func (a *Active) minutes() int {
	n := 0
	for _, h := range a.hours {
		n += h.to - h.from
	}
	return n
}

// timezone reads one; nil where it is wrong or not there.
func (r *reader) timezone(m mapping) *time.Location {
	n := m.get("timezone")
	name, ok := r.name(n, "timezone")
	if !ok {
		return nil
	}
	z := r.zone(name)
	if z.err != nil {
		r.failErr(n, wrongTimezone, z.err)
	}
	return z.loc
}

// zone is loadZone, once for each name.
func (r *reader) zone(name string) zone {
	z, known := r.zones[name]
	if !known {
		z = loadZone(name)
		r.zones[name] = z
	}
	return z
}

// oneOrMore are the items of a list, or what stands there without one.
func (r *reader) oneOrMore(n *yaml.Node, key, example string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	items := r.list(n, key, example)
	if len(n.Content) == 0 {
		r.fail(n, emptyValue, key+" is an empty list", "write "+example+", or leave the key out")
	}
	return items
}

// days reads days of the week; all of them where nothing is said.
func (r *reader) days(n *yaml.Node) byte {
	if n == nil {
		return allDays
	}
	var all byte
	for _, item := range r.oneOrMore(n, "days", daysExample) {
		text, ok := r.name(item, "days")
		if !ok {
			continue
		}
		days, err := parseDays(text)
		if err != nil {
			r.failErr(item, wrongActive, err)
		}
		all |= days
	}
	return all
}

// parseDays reads "mon" or "mon-fri".
func parseDays(text string) (byte, error) {
	first, last, ranged := strings.Cut(strings.ToLower(text), "-")
	from, to := slices.Index(dayNames[:], first), slices.Index(dayNames[:], last)
	switch {
	case from < 0 || ranged && to < 0:
		return 0, fmt.Errorf("%s is no day of the week; %s", quoted(text), likeDays(text))
	case !ranged:
		return 1 << from, nil
	case from == to:
		return 0, fmt.Errorf("%s begins and ends on the same day; write %s", quoted(text), first)
	}
	all := byte(1 << from)
	for from != to {
		from = (from + 1) % 7
		all |= 1 << from
	}
	return all, nil
}

// hours reads stretches of the day; all of it where nothing is said.
func (r *reader) hours(n *yaml.Node) []hours {
	if n == nil {
		return []hours{{0, dayMinutes}}
	}
	var all []hours
	for _, item := range r.oneOrMore(n, "hours", hoursExample) {
		text, ok := r.name(item, "hours")
		if !ok {
			continue
		}
		h, err := parseHours(text)
		if err == nil {
			err = h.apart(all)
		}
		if err != nil {
			r.failErr(item, wrongActive, err)
			continue
		}
		if all = append(all, h); len(all) > HoursMax {
			r.fail(item, tooMuch, fmt.Sprintf("more than %d hours a day", HoursMax), "write fewer, longer ones")
			break
		}
	}
	sortHours(all)
	return all
}

func sortHours(all []hours) {
	slices.SortFunc(all, func(a, b hours) int { return cmp.Compare(a.from, b.from) })
}

// parseHours reads "08:00-18:00", and "22:00-06:00" for hours that end on the next
// day.
func parseHours(text string) (hours, error) {
	first, last, ok := strings.Cut(text, "-")
	from, fromOK := parseClock(first)
	to, toOK := parseClock(last)
	switch {
	case !ok || !fromOK || !toOK || from == dayMinutes:
		return hours{}, fmt.Errorf("%s are no hours; %s", quoted(text), likeHours(text))
	case from == to:
		return hours{}, fmt.Errorf("%q are hours without length; write \"00:00-24:00\" for the whole day, or leave the key out", text)
	case to < from:
		to += dayMinutes
	}
	return hours{from, to}, nil
}

func parseClock(text string) (minutes int, ok bool) {
	hour, minute, ok := strings.Cut(strings.TrimSpace(text), ":")
	h, errH := strconv.ParseUint(hour, 10, 8)
	m, errM := strconv.ParseUint(minute, 10, 8)
	if !ok || errH != nil || errM != nil || len(hour) > 2 || len(minute) != 2 || m > 59 || h*60+m > dayMinutes {
		return 0, false
	}
	return int(h*60 + m), true
}

// apart says that h shares no time of day with others, also those of the day
// before.
func (h hours) apart(others []hours) error {
	for _, o := range others {
		for _, shift := range []int{-dayMinutes, 0, dayMinutes} {
			if h.from+shift < o.to && o.from < h.to+shift {
				return fmt.Errorf("hours %s and %s overlap; make one of them", o, h)
			}
		}
	}
	return nil
}

// holidays reads dates and calendars; how many days they are, and what tells them
// from others.
func (r *reader) holidays(n *yaml.Node) (all []holidays, count int, key string) {
	if n == nil {
		return nil, 0, ""
	}
	own, dates := holidays{}, strings.Builder{}
	for _, item := range r.oneOrMore(n, "holidays", holidaysExample) {
		if item.Kind == yaml.MappingNode {
			if c := r.calendarFile(item); c != nil {
				all, count = append(all, c.days), count+c.count
				fmt.Fprintf(&dates, "\n%s", c.name)
			}
			continue
		}
		text, ok := r.name(item, "holidays")
		if !ok {
			continue
		}
		d, err := parseDate(text)
		if err != nil {
			check := wrongHolidays
			if errors.Is(err, errNoSuchDate) {
				check = impossibleDate
			}
			r.failErr(item, check, err)
			continue
		}
		if own[d] {
			r.fail(item, duplicateName, fmt.Sprintf("%s stands in the holidays twice", text), "keep one of them")
		}
		own[d], count = true, count+1
		fmt.Fprintf(&dates, "\n%s", text)
	}
	if len(own) > 0 {
		all = append(all, own)
	}
	return all, count, dates.String()
}

// parseDate reads 2026-12-24.
func parseDate(text string) (date, error) {
	t, err := time.Parse(time.DateOnly, text)
	var of *time.ParseError
	switch {
	case errors.As(err, &of) && strings.HasSuffix(of.Message, "out of range"):
		return 0, fmt.Errorf("holidays: %w: %s; check day and month", errNoSuchDate, text)
	case err != nil:
		return 0, fmt.Errorf("%s is no date; %s", quoted(text), likeDate(text))
	case t.Year() < activeFirst || t.Year() > activeLast:
		return 0, fmt.Errorf("%s is in the year %d; check the year", text, t.Year())
	}
	return date(t.Unix() / (24 * 3600)), nil
}

// calendarFile reads {file: norway.ics}; nil where it is wrong.
func (r *reader) calendarFile(n *yaml.Node) *icalFile {
	m, ok := r.mapping(n, holidayFileObject)
	if !ok {
		return nil
	}
	at := m.get("file")
	if !m.has("file") {
		r.fail(m.node, missingKey, "a calendar of holidays has no file", "write {file: norway.ics}")
	}
	name, ok := r.name(at, "file")
	if !ok {
		return nil
	}
	f, ok := r.icals.beside(r.src.name, name)
	if !ok {
		known := r.icals.names(r.src.name)
		hint := "put it there, or write dates: holidays: [2026-12-24, 2026-12-25]"
		if len(known) > 0 {
			hint = "there are " + listed(known, 8)
		}
		r.fail(at, wrongHolidays, fmt.Sprintf("there is no calendar %s beside this file", quoted(name)), didYouMean(name, known, hint))
		return nil
	}
	f.read(r.found)
	if f.wrong {
		return nil
	}
	return f
}
