package rules

import (
	"fmt"
	"time"
)

// Defaulted is something that a rule or a feed does not say itself.
type Defaulted struct {
	Key   string
	Value string
	Feed  bool // its feed says it; otherwise the whole set
	Pos   Pos  // where
}

// String is "stale_after 30m".
func (d Defaulted) String() string { return d.Key + " " + d.Value }

// Defaulted are what the feed takes from the defaults of the set.
func (f *Feed) Defaulted() []Defaulted { return f.defaulted }

// Defaulted are what the rule takes from the defaults of its feed or of the set.
func (r *Rule) Defaulted() []Defaulted { return r.defaulted }

// defaults are what one place says for rules that say nothing: a feed, or the set.
// A nil one says nothing.
type defaults struct {
	feed       bool
	at         Pos
	times      map[string]defaultTime // by key
	severity   Severities
	severityAt Pos // zero: not said
	active     *Active
	activeAt   Pos // zero: not said
	escalation reference
	unread     map[string]bool // keys that stand there, and could not be read
	allUnread  bool            // it is not known which keys stand there
	beyond     *defaults       // the set's, of a feed's
}

type defaultTime struct {
	value time.Duration
	at    Pos
}

// readSetDefaults reads those of a file for the whole set. Two files that have some
// would have to be held against each other by whoever reads one.
func (r *reader) readSetDefaults(top mapping) {
	if !top.has("defaults") {
		return
	}
	at := r.src.pos(top.key("defaults"))
	if r.defaults != nil {
		r.fail(top.key("defaults"), duplicateKey, fmt.Sprintf("defaults stand here, and at %s already", r.defaults.at), "keep them in one file")
		return
	}
	r.defaults = &defaults{at: at, allUnread: true}
	n := top.get("defaults")
	if n == nil {
		return
	}
	m, ok := r.mapping(n, setDefaultsObject)
	if !ok {
		return
	}
	r.fillDefaults(r.defaults, m)
	r.defaultTime(r.defaults, m, "retention")
	if r.defaults.escalation = r.reference(m, "escalation"); r.defaults.escalation.name == "" && m.has("escalation") {
		r.defaults.unreadKey("escalation")
	}
}

// readFeedDefaults are those for the rules of one feed, with the set's behind them.
func (r *reader) readFeedDefaults(feed mapping) *defaults {
	if !feed.has("defaults") && !feed.has("active") {
		return r.defaults
	}
	own := &defaults{feed: true, allUnread: feed.has("defaults"), beyond: r.defaults}
	if n := feed.get("defaults"); n != nil {
		if m, ok := r.mapping(n, feedDefaultsObject); ok {
			r.fillDefaults(own, m)
		}
	}
	if own.activeAt != (Pos{}) && feed.has("active") {
		r.fail(feed.key("active"), conflictingKeys, "active stands in the feed, and in its defaults too", "keep one of them")
		return own
	}
	r.defaultActive(own, feed)
	return own
}

// fillDefaults reads what defaults of both kinds may say. What one place says has to
// fit together; what does not fit a rule is left out for that rule.
func (r *reader) fillDefaults(d *defaults, m mapping) {
	d.allUnread = m.strange
	for _, key := range []string{"stale_after", "warn_after", "lag_over", "resolve_after", "forget_after"} {
		r.defaultTime(d, m, key)
	}
	stale, warn, forget := d.times["stale_after"].value, d.times["warn_after"].value, d.times["forget_after"].value
	if stale > 0 && warn >= stale {
		r.fail(m.get("warn_after"), warnAfterStaleAfter, fmt.Sprintf("warn_after is %s, and a series is stale after %s already", FormatDuration(warn), FormatDuration(stale)),
			"write a shorter time, or leave it out")
	}
	if forget > 0 && forget <= stale {
		r.fail(m.get("forget_after"), forgetBeforeStale, fmt.Sprintf("forget_after is %s: a series would be forgotten before it is stale (%s)", FormatDuration(forget), FormatDuration(stale)),
			"write a longer time, for example 30d")
	}
	r.defaultActive(d, m)
	if n := m.get("severity"); n != nil {
		d.severity, d.severityAt = r.severity(n), r.src.pos(n)
	}
}

func (r *reader) defaultTime(d *defaults, m mapping, key string) {
	if !m.has(key) {
		return
	}
	n := m.get(key)
	value, ok := r.duration(n, key)
	if !ok {
		d.unreadKey(key)
		return
	}
	if d.times == nil {
		d.times = map[string]defaultTime{}
	}
	d.times[key] = defaultTime{value, r.src.pos(n)}
}

func (r *reader) defaultActive(d *defaults, m mapping) {
	if m.has("active") {
		d.active, d.activeAt = r.readActive(m.get("active")), r.src.pos(m.key("active"))
	}
}

func (d *defaults) unreadKey(key string) {
	if d.unread == nil {
		d.unread = map[string]bool{}
	}
	d.unread[key] = true
}

// perhaps says that there may be a default of a key, which could not be read.
func (d *defaults) perhaps(key string) bool {
	for ; d != nil; d = d.beyond {
		if d.allUnread || d.unread[key] {
			return true
		}
	}
	return false
}

// time is the default of a key, which is noted in taken; 0 where there is none.
func (d *defaults) time(key string, taken *[]Defaulted) time.Duration {
	for ; d != nil; d = d.beyond {
		if t, said := d.times[key]; said {
			*taken = append(*taken, Defaulted{key, FormatDuration(t.value), d.feed, t.at})
			return t.value
		}
	}
	return 0
}

// fitting is the default of a key for a rule that does not say it and takes it, and
// where it fits. One that does not is left out, with whatever stands behind it.
func (d *defaults) fitting(key string, not bool, fits func(time.Duration) bool, taken *[]Defaulted) (time.Duration, bool) {
	if not {
		return 0, false
	}
	var from []Defaulted
	value := d.time(key, &from)
	if value == 0 || fits != nil && !fits(value) {
		return 0, false
	}
	*taken = append(*taken, from...)
	return value, true
}

// severe gives a rule the default severity, where there is one.
func (d *defaults) severe(rule *Rule) {
	for ; d != nil; d = d.beyond {
		if d.severityAt != (Pos{}) {
			rule.severity = d.severity
			rule.defaulted = append(rule.defaulted, Defaulted{"severity", d.severity.String(), d.feed, d.severityAt})
			return
		}
	}
}

// activate gives a rule the default active hours, where there are some.
func (d *defaults) activate(rule *Rule) {
	for ; d != nil; d = d.beyond {
		if d.activeAt != (Pos{}) {
			rule.active = d.active
			rule.defaulted = append(rule.defaulted, Defaulted{"active", d.active.String(), d.feed, d.activeAt})
			return
		}
	}
}

// ladder is the default escalation, which is noted in taken.
func (d *defaults) ladder(taken *[]Defaulted) reference {
	if d == nil || d.escalation.name == "" {
		return reference{}
	}
	*taken = append(*taken, Defaulted{"escalation", d.escalation.name, false, d.escalation.at.src.pos(d.escalation.at.node)})
	return d.escalation
}
