package rules

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Defaults of a rule.
const (
	ResolveAfterDefault = 5 * time.Minute
	SeverityDefault     = Error
)

// The two values of `per` that are not a label.
const (
	PerClient = "client"
	PerFeed   = "feed"
)

// ruleDraft is a rule as it was read, before its references are looked up.
type ruleDraft struct {
	rule       *Rule
	at         spot // its name
	match      spot
	deadline   spot // stale_after or expect
	escalation reference
	quorum     spot
	strange    bool // it has a key of which nobody knows what it means
}

func (r *reader) readRule(n *yaml.Node, own *defaults) (ruleDraft, bool) {
	m, ok := r.mapping(n, ruleObject)
	if !ok {
		return ruleDraft{}, false
	}
	rule := &Rule{per: PerClient, severity: Severities{Base: SeverityDefault}, resolveAfter: ResolveAfterDefault}
	d := ruleDraft{rule: rule, at: r.at(m.node), strange: m.strange}
	if name, ok := r.name(m.get("name"), "name"); ok {
		rule.name, d.at = name, r.at(m.get("name"))
	} else if !m.has("name") {
		r.fail(m.node, missingKey, "a rule has no name", "write name: everyone")
	}
	rule.pos = r.src.pos(m.node)
	if n := m.get("per"); n != nil {
		rule.per = r.per(n)
	} else if m.has("per") {
		rule.per = "" // what is meant is not known: it is no client rule
	}
	rule.match = r.readMatchers(m, "a rule", `match: ['tier="enterprise"']`, r.parseMatchers)
	if m.strange { // it may have said whom the rule is for
		rule.match = append(rule.match, Matcher{})
	}
	rule.labels = labelBits(rule.match)
	d.match, d.deadline = r.atKey(m, "match", d.at), r.atKey(m, "stale_after", r.atKey(m, "expect", d.at))
	r.readRuleActive(rule, m, own)
	r.readTimes(d, m, own)
	r.readMinUpdates(d, m.get("min_updates"))
	r.readSeverity(rule, m, own)
	d.quorum = r.atKey(m, "quorum", d.at)
	r.readQuorum(d, m.get("quorum"))
	d.escalation = r.reference(m, "escalation")
	rule.idleOK = r.boolean(m.get("idle_ok"), "idle_ok")
	return d, true
}

func (r *reader) per(n *yaml.Node) string {
	per, ok := r.name(n, "per")
	for _, meant := range []string{PerClient, PerFeed} {
		if like := strings.ToLower(per); per != meant && (like == meant || like == meant+"s") {
			r.fail(n, wrongValue, fmt.Sprintf("per is %q", per), "write per: "+meant)
			return ""
		}
	}
	if !ok || per == PerClient || per == PerFeed {
		return per
	}
	if err := feed.CheckLabelName(per); err != nil {
		r.fail(n, wrongName, plain(err).Error(), "write per: client, per: feed, or a label as in per: cluster")
	}
	return per
}

// parsedMatchers is what one text gave; many rules share texts.
type parsedMatchers struct {
	matchers []Matcher
	err      error
}

// parseMatchers is ParseMatchers, once for each text.
func (r *reader) parseMatchers(text string) ([]Matcher, error) {
	parsed, known := r.matchers[text]
	if !known {
		parsed.matchers, parsed.err = ParseMatchers(text)
		r.matchers[text] = parsed
	}
	return parsed.matchers, parsed.err
}

// readMatchers reads what stands behind match in what. A wrong one becomes a
// matcher that fits nothing, so that a rule is not taken for a catch-all.
func (r *reader) readMatchers(m mapping, what, example string, parse func(string) ([]Matcher, error)) []Matcher {
	n := m.get("match")
	var all []Matcher
	if m.has("match") && (n == nil || n.Kind != yaml.SequenceNode) {
		if n != nil {
			r.fail(n, wrongType, fmt.Sprintf("match is %s, and must be a list", kindOf(n)), matchHint(n, example))
		}
		return append(all, Matcher{})
	}
	for _, item := range r.list(n, "match", example) {
		if meant, ok := pairMatcher(item); item.Kind == yaml.MappingNode && ok {
			r.fail(item, wrongType, "a matcher is a mapping (key: value), and must be text", "write "+meant)
			all = append(all, Matcher{})
			continue
		}
		text, ok := r.text(item, "a matcher", FileBytesMax)
		if !ok {
			all = append(all, Matcher{})
			continue
		}
		matchers, err := parse(text)
		if err != nil {
			r.failErr(item, wrongMatcher, err)
			all = append(all, Matcher{})
			continue
		}
		all = append(all, matchers...)
		if len(all) > MatchersMax {
			r.fail(n, tooMuch, fmt.Sprintf("%s has more than %d matchers", what, MatchersMax), `match several values at once: client=~"a|b|c"`)
			break
		}
	}
	return all
}

// readTimes reads when the rule's series are stale, and what hangs on that.
func (r *reader) readTimes(d ruleDraft, m mapping, own *defaults) {
	rule := d.rule
	stale, expect := m.get("stale_after"), m.get("expect")
	switch {
	case m.has("stale_after") && m.has("expect"):
		r.fail(m.key("expect"), conflictingKeys, "a rule has either stale_after or expect, this one has both",
			"leave stale_after out: grace says how late a run may be; or make two rules")
	case stale != nil:
		rule.staleAfter, _ = r.duration(stale, "stale_after")
	case expect != nil:
		r.readExpect(rule, expect)
	case !m.has("stale_after") && !m.has("expect"):
		if rule.staleAfter = own.time("stale_after", &rule.defaulted); rule.staleAfter == 0 && !m.strange && !own.perhaps("stale_after") {
			r.found.add(d.at, missingKey, fmt.Sprintf("rule %q does not say when it is stale", rule.name),
				`write stale_after: 30m, or expect: {cron: "0 6 * * *", timezone: Europe/Oslo, grace: 45m}`)
		}
	}
	if rule.lagOver == 0 {
		rule.lagOver = rule.staleAfter
	}
	r.measure(d, m)
	if n := m.get("lag_over"); n != nil {
		rule.lagOver, _ = r.duration(n, "lag_over")
	} else if lag, ok := own.fitting("lag_over", m.has("lag_over") || m.has("expect"), nil, &rule.defaulted); ok {
		rule.lagOver = lag
	}
	if n := m.get("resolve_after"); n != nil {
		rule.resolveAfter, _ = r.duration(n, "resolve_after")
	} else if resolve, ok := own.fitting("resolve_after", m.has("resolve_after"), nil, &rule.defaulted); ok {
		rule.resolveAfter = resolve
	}
	r.readWarnAfter(rule, m.get("warn_after"))
	if warn, ok := own.fitting("warn_after", m.has("warn_after") || m.has("expect"), rule.warnsBefore, &rule.defaulted); ok {
		rule.warnAfter = warn
	}
	r.readForgetAfter(rule, m.get("forget_after"))
	if forget, ok := own.fitting("forget_after", m.has("forget_after") || rule.per != PerClient, rule.forgetsLater, &rule.defaulted); ok {
		rule.forgetAfter = forget
	}
}

func (r *reader) readWarnAfter(rule *Rule, n *yaml.Node) {
	if n == nil {
		return
	}
	warn, ok := r.duration(n, "warn_after")
	switch {
	case !ok || rule.staleAfter == 0:
	case rule.expect != nil:
		r.fail(n, conflictingKeys, "warn_after goes with stale_after, and this rule has expect", "leave it out")
	case warn >= rule.staleAfter:
		r.fail(n, warnAfterStaleAfter, fmt.Sprintf("warn_after is %s, and the series is stale after %s already", FormatDuration(warn), FormatDuration(rule.staleAfter)),
			"write a shorter time, or leave it out")
	}
	rule.warnAfter = warn
}

// readForgetAfter reads when an unseen series is retired: not before it would be
// stale.
func (r *reader) readForgetAfter(rule *Rule, n *yaml.Node) {
	if n == nil {
		return
	}
	forget, ok := r.duration(n, "forget_after")
	switch {
	case !ok || rule.staleAfter == 0:
	case rule.per != PerClient:
		r.fail(n, conflictingKeys, fmt.Sprintf("forget_after goes with client rules, and this rule is per: %s", shortened(rule.per)),
			"leave it out; to end the watch of a feed write retired_feeds:")
	case forget <= rule.longest:
		r.fail(n, forgetBeforeStale, fmt.Sprintf("forget_after is %s: a series would be forgotten before it is stale (%s)", FormatDuration(forget), FormatDuration(rule.longest)),
			"write a longer time, for example 30d")
	}
	rule.forgetAfter = forget
}

func (r *Rule) warnsBefore(warn time.Duration) bool    { return warn < r.staleAfter }
func (r *Rule) forgetsLater(forget time.Duration) bool { return forget > r.longest }

// readExpect reads a schedule of runs. Its grace is the rule's stale_after; an
// event time may be as old as the longest time between two runs, and a grace.
func (r *reader) readExpect(rule *Rule, n *yaml.Node) {
	m, ok := r.mapping(n, expectObject)
	if !ok {
		return
	}
	if !m.has("cron") {
		r.fail(m.node, missingKey, "expect has no cron", `write cron: "0 6 * * *"`)
	}
	if !m.has("grace") {
		r.fail(m.node, missingKey, "expect has no grace", "write grace: 45m: how long after its time a run may arrive")
	}
	s := &Schedule{calendar: r.calendar(m), active: rule.active}
	grace, ok := time.Duration(0), false
	if n := m.get("grace"); n != nil {
		grace, ok = r.duration(n, "grace")
	}
	early, earlySaid := time.Duration(0), false
	if n := m.get("early"); n != nil {
		early, earlySaid = r.duration(n, "early")
	}
	if s.calendar == nil || !ok {
		return
	}
	s.cron = m.get("cron").Value
	if n := m.get("timezone"); n != nil {
		s.timezone = n.Value
	}
	s.grace, s.early = grace, min(EarlyDefault, s.calendar.shortest/2)
	if earlySaid {
		s.early = early
	}
	if s.early >= s.calendar.shortest {
		r.fail(m.get("early"), earlyBeyondInterval, fmt.Sprintf("early is %s, and runs come every %s: one arrival would stand for two runs",
			FormatDuration(s.early), FormatDuration(s.calendar.shortest)),
			"write "+FormatDuration(s.calendar.shortest/2)+" or less")
		return
	}
	rule.expect, rule.staleAfter, rule.lagOver = s, grace, s.calendar.longest+grace
}

// calendar reads cron and timezone; nil when one of them is wrong.
func (r *reader) calendar(m mapping) *calendar {
	name := ""
	if n := m.get("timezone"); n != nil {
		var ok bool
		if name, ok = r.name(n, "timezone"); !ok {
			return nil
		}
	}
	z := r.zone(name)
	if z.err != nil {
		r.failErr(m.get("timezone"), wrongTimezone, z.err)
	}
	n := m.get("cron")
	expr, ok := r.name(n, "cron")
	if !ok || z.err != nil {
		return nil
	}
	key := expr + "\n" + name
	if c, known := r.calendars[key]; known {
		return c
	}
	c, err := newCalendar(expr, z.loc)
	if err != nil {
		check := wrongCron
		if errors.Is(err, errNoSuchDate) {
			check = impossibleDate
		}
		r.failErr(n, check, err)
		return nil
	}
	r.calendars[key] = c
	return c
}
