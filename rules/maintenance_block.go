package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// maintenanceDraft is a maintenance as it was read, before it is held against
// the feeds there are.
type maintenanceDraft struct {
	maintenance *Maintenance
	at          spot // its name
	match       spot
}

// What a maintenance looks like, for hints.
const (
	maintenanceExample = `- {name: weekly, match: ['cluster="fsn1"'], schedule: {cron: "0 2 * * 0", timezone: UTC, duration: 2h}}`
	matchExample       = `match: ['cluster="fsn1"']`
	timeExample        = "2026-01-31T02:00:00Z"
)

func (r *reader) readMaintenance(n *yaml.Node) {
	m, ok := r.mapping(n, maintenanceObject)
	if !ok {
		return
	}
	if len(r.maintenances) == MaintenancesMax {
		if !r.maintenancesCut {
			r.maintenancesCut = true
			r.fail(m.node, tooMuch, fmt.Sprintf("more than %d maintenances in all files", MaintenancesMax), "remove those that are over")
		}
		return
	}
	d := maintenanceDraft{maintenance: &Maintenance{pos: r.src.pos(m.node)}, at: r.at(m.node)}
	own := d.maintenance
	if name, ok := r.name(m.get("name"), "name"); ok {
		own.name, d.at = name, r.at(m.get("name"))
	} else if !m.has("name") {
		r.fail(m.node, missingKey, "a maintenance has no name", "write name: weekly")
	}
	own.match = r.readMatchers(m, "a maintenance", matchExample, func(s string) ([]Matcher, error) { return ParseSelector(s) })
	if len(own.match) == 0 {
		at := d.at
		if m.get("match") != nil {
			at = r.at(m.get("match"))
		}
		r.found.add(at, missingKey, fmt.Sprintf("maintenance %q does not say what it is for", own.name),
			"write "+matchExample+`, or match: ['feed=~".+"'] for everything`)
	} else if n := m.get("match"); n != nil {
		d.match = r.at(n)
	}
	r.readWindows(d, m)
	r.maintenances = append(r.maintenances, d)
}

// readWindows reads when a maintenance is: on a schedule, or once.
func (r *reader) readWindows(d maintenanceDraft, m mapping) {
	once := m.key("from")
	if once == nil {
		once = m.key("to")
	}
	switch {
	case m.has("schedule") && once != nil:
		r.fail(once, conflictingKeys, "a maintenance has either a schedule or from and to, this one has both", "make two maintenances")
	case m.has("schedule"):
		if n := m.get("schedule"); n != nil {
			r.readRepeated(d.maintenance, n)
		}
	case once != nil:
		r.readOnce(d, m)
	case !m.strange:
		r.found.add(d.at, missingKey, fmt.Sprintf("maintenance %q does not say when it is", d.maintenance.name),
			`write schedule: {cron: "0 2 * * 0", timezone: UTC, duration: 2h}, or from: and to: with times such as `+timeExample)
	}
}

// readRepeated reads windows on a schedule. They must not meet: a maintenance
// without an end would be no watch at all.
func (r *reader) readRepeated(own *Maintenance, n *yaml.Node) {
	m, ok := r.mapping(n, scheduleObject)
	if !ok {
		return
	}
	if !m.has("cron") {
		r.fail(m.node, missingKey, "schedule has no cron", `write cron: "0 2 * * 0"`)
	}
	if !m.has("duration") {
		r.fail(m.node, missingKey, "schedule has no duration", "write duration: 2h: how long a window lasts")
	}
	c := r.calendar(m)
	at := m.get("duration")
	if at == nil {
		return
	}
	lasts, ok := r.duration(at, "duration")
	switch {
	case !ok:
	case lasts > WindowMax:
		r.tooLongWindow(at, lasts)
	case c != nil && lasts >= c.shortest:
		r.fail(at, wrongWindow, fmt.Sprintf("duration is %s, and the schedule comes every %s: its windows would overlap", FormatDuration(lasts), FormatDuration(c.shortest)),
			fmt.Sprintf("write less than %s, or a cron that comes less often", FormatDuration(c.shortest)))
	case c != nil:
		own.duration = lasts
		own.schedule = &Schedule{calendar: c, cron: m.get("cron").Value}
		if n := m.get("timezone"); n != nil {
			own.schedule.timezone = n.Value
		}
	}
}

func (r *reader) tooLongWindow(n *yaml.Node, lasts time.Duration) {
	r.fail(n, wrongWindow, fmt.Sprintf("the maintenance lasts %s, and %s is the longest that is allowed", FormatDuration(lasts), FormatDuration(WindowMax)),
		"write a shorter one; to end the watch of a feed write retired_feeds:")
}

// readOnce reads a window that comes once.
func (r *reader) readOnce(d maintenanceDraft, m mapping) {
	for _, key := range []string{"from", "to"} {
		if !m.has(key) && !m.strange {
			r.found.add(d.at, missingKey, fmt.Sprintf("maintenance %q has no %s", d.maintenance.name, map[string]string{"from": "beginning", "to": "end"}[key]), "write "+key+": "+otherEnd(m, key))
		}
	}
	from, fromSaid := r.instant(m.get("from"), "from")
	to, toSaid := r.instant(m.get("to"), "to")
	if !fromSaid || !toSaid {
		return
	}
	switch lasts := to.Sub(from); {
	case to <= from:
		r.fail(m.get("to"), wrongWindow, fmt.Sprintf("to is %s, and from is %s: the maintenance would be over before it begins", to, from),
			"write a later time")
	case lasts > WindowMax:
		r.tooLongWindow(m.get("to"), lasts)
	default:
		d.maintenance.once = Window{From: from, To: to}
	}
}

// otherEnd is an example of the end of a window that is missing.
func otherEnd(m mapping, missing string) string {
	const lasts = 4 * time.Hour
	there, step := m.get("from"), lasts
	if missing == "from" {
		there, step = m.get("to"), -lasts
	}
	if there != nil {
		if t, err := time.Parse(time.RFC3339, there.Value); err == nil {
			return "and a time, for example " + t.Add(step).Format(time.RFC3339)
		}
	}
	return timeExample
}

// instant reads a time with its offset from UTC.
func (r *reader) instant(n *yaml.Node, key string) (feed.Instant, bool) {
	s, ok := r.name(n, key)
	if !ok {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339, s)
	const firstYear, lastYear = 2000, 2999
	switch {
	case err != nil && strings.Contains(err.Error(), "out of range"):
		r.fail(n, wrongTime, fmt.Sprintf("%s is %s, and there is no such date or time of day", key, quoted(s)), "check the day, the hour and the minute")
	case err != nil:
		r.fail(n, wrongTime, fmt.Sprintf("%s is %s, and must be a time with its offset from UTC", key, quoted(s)), likeTime(s))
	case t.UTC().Year() < firstYear || t.UTC().Year() > lastYear:
		r.fail(n, wrongTime, fmt.Sprintf("%s is in the year %d", key, t.UTC().Year()), "check the year")
	default:
		return feed.At(t), true
	}
	return 0, false
}

// likeTime says how a time is written that has no offset from UTC.
func likeTime(wrong string) string {
	for _, layout := range []string{
		"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02",
		"02.01.2006 15:04", "2.1.2006 15:04", "02.01.2006", "2006/01/02 15:04",
	} {
		if t, err := time.Parse(layout, wrong); err == nil {
			return fmt.Sprintf("write %s if UTC is meant, or +01:00 or another offset in place of Z", t.Format(time.RFC3339))
		}
	}
	return "write for example " + timeExample
}

// linkMaintenances refuses names that stand twice, and matchers on feeds that
// no feed fits.
func (r *reader) linkMaintenances(set *Set) {
	names := map[string]bool{}
	for _, d := range r.maintenances {
		own := d.maintenance
		if names[own.name] && own.name != "" {
			r.found.add(d.at, duplicateName, fmt.Sprintf("maintenance %q stands in the rule files twice", own.name), "keep one of them, or rename it")
		}
		names[own.name] = true
		set.maintenances = append(set.maintenances, own)
		fits := func(f *Feed) bool { return own.match.MatchesFeed(f.name) }
		if len(set.feeds) == 0 || r.unread.feeds || slices.ContainsFunc(set.feeds, fits) {
			continue
		}
		for i := range own.match {
			m := &own.match[i]
			if m.label != FeedLabel {
				continue
			}
			meant := m.value
			if m.negate {
				meant = ""
			}
			hint := set.likeFeed(meant)
			if !m.negate && m.likesPattern() {
				hint = m.asPattern()
			}
			r.found.add(d.match, noSuchFeed, "no feed fits "+shortened(m.String()), hint)
			break
		}
	}
}

// likeFeed proposes the feed that wrong was probably meant to be, and where none
// is near says which there are.
func (s *Set) likeFeed(wrong string) string {
	if now, ok := s.renamed[wrong]; ok {
		return fmt.Sprintf("it is called %q now", now)
	}
	if _, ok := s.retired[wrong]; ok {
		return "it is retired: remove it here too"
	}
	names := make([]string, 0, len(s.feeds))
	for _, f := range s.feeds {
		if f.name != "" {
			names = append(names, f.name)
		}
	}
	return didYouMean(wrong, names, "known: "+listed(names, 8))
}
