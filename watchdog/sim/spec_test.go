package sim

import (
	"fmt"
	"strings"
	"time"
)

// setSpec is one version of the rule files, as the oracle reads it.
type setSpec struct {
	feeds        []feedSpec
	ladders      []ladderSpec
	maintenances []maintenanceSpec
}

type feedSpec struct {
	name       string
	retention  time.Duration
	escalation string
	rules      []ruleSpec
	roster     []*series
	dependsOn  string
}

// ruleSpec is one rule. match is "label=value", or "" for every client.
type ruleSpec struct {
	name, per, match string
	stem             string // its first name, by which an edit finds it
	stale, warn, lag time.Duration
	forget           time.Duration // 0: never
	resolve          time.Duration
	cron             *cronSpec // instead of stale
	severity         string
}

// cronSpec is "at that minute of every hour, or of that hour of every day", UTC.
type cronSpec struct {
	hour, minute int // hour -1: every hour
	early, grace time.Duration
}

type ladderSpec struct {
	name  string
	steps []stepSpec
}

type stepSpec struct {
	after, repeat time.Duration
	beforeLoss    time.Duration
	notify        []string
}

// matches is the meaning of match.
func (r *ruleSpec) matches(s *series) bool {
	label, value, selective := strings.Cut(r.match, "=")
	return !selective || s.labels[label] == value
}

// governs is the client rule for s; nil for none.
func (f *feedSpec) governs(s *series) *ruleSpec {
	for i := range f.rules {
		if r := &f.rules[i]; r.per == "client" && r.matches(s) {
			return r
		}
	}
	return nil
}

// deadline is when a series that was last seen at `from` is stale.
func (r *ruleSpec) deadline(from time.Time) time.Time {
	if r.cron == nil {
		return from.Add(r.stale)
	}
	at := from.Add(r.cron.early).UTC()
	run, every := at.Truncate(time.Hour).Add(time.Duration(r.cron.minute)*time.Minute), time.Hour
	if r.cron.hour >= 0 {
		run, every = at.Truncate(24*time.Hour).Add(time.Duration(r.cron.hour)*time.Hour+time.Duration(r.cron.minute)*time.Minute), 24*time.Hour
	}
	if !run.After(at) {
		run = run.Add(every)
	}
	return run.Add(r.cron.grace)
}

// allows is how long the rule lets a series be silent at least.
func (r *ruleSpec) allows() time.Duration {
	if r.cron != nil {
		return r.cron.grace
	}
	return r.stale
}

func (set *setSpec) feed(name string) *feedSpec {
	for i := range set.feeds {
		if set.feeds[i].name == name {
			return &set.feeds[i]
		}
	}
	return nil
}

// yaml writes the set as rule files have it.
func (set *setSpec) yaml() string {
	var b strings.Builder
	b.WriteString("feeds:\n")
	for _, f := range set.feeds {
		fmt.Fprintf(&b, "  - name: %s\n    escalation: %s\n", f.name, f.escalation)
		if f.retention > 0 {
			fmt.Fprintf(&b, "    retention: %s\n", span(f.retention))
		}
		if f.dependsOn != "" {
			fmt.Fprintf(&b, "    depends_on: [%s]\n", f.dependsOn)
		}
		if len(f.roster) > 0 {
			b.WriteString("    roster:\n")
			for _, s := range f.roster {
				fmt.Fprintf(&b, "      - {client: %s, labels: {cluster: %s, tier: %s}}\n", s.client, s.labels["cluster"], s.labels["tier"])
			}
		}
		b.WriteString("    rules:\n")
		for i := range f.rules {
			b.WriteString("      - {" + f.rules[i].yaml() + "}\n")
		}
	}
	b.WriteString("escalations:\n")
	for _, l := range set.ladders {
		fmt.Fprintf(&b, "  - name: %s\n    steps:\n", l.name)
		for _, s := range l.steps {
			fmt.Fprintf(&b, "      - {notify: [%s]", strings.Join(s.notify, ", "))
			if s.beforeLoss > 0 {
				fmt.Fprintf(&b, ", before_loss: %s", span(s.beforeLoss))
			} else {
				fmt.Fprintf(&b, ", after: %s", span(s.after))
			}
			if s.repeat > 0 {
				fmt.Fprintf(&b, ", repeat: %s", span(s.repeat))
			}
			b.WriteString("}\n")
		}
	}
	if len(set.maintenances) > 0 {
		b.WriteString("maintenance:\n")
	}
	for i := range set.maintenances {
		m := &set.maintenances[i]
		fmt.Fprintf(&b, "  - {name: %s, match: ['%s'], schedule: {cron: %q, timezone: UTC, duration: %s}}\n", m.name, m.of.selector(), m.at.String(), span(m.lasts))
	}
	return b.String()
}

// String is a cron line.
func (c *cronSpec) String() string {
	hour := "*"
	if c.hour >= 0 {
		hour = fmt.Sprint(c.hour)
	}
	return fmt.Sprintf("%d %s * * *", c.minute, hour)
}

func (r *ruleSpec) yaml() string {
	out := fmt.Sprintf("name: %s, per: %s, severity: %s, resolve_after: %s", r.name, r.per, r.severity, span(r.resolve))
	if label, value, ok := strings.Cut(r.match, "="); ok {
		out += fmt.Sprintf(", match: ['%s=%q']", label, value)
	}
	if c := r.cron; c != nil {
		out += fmt.Sprintf(", expect: {cron: %q, timezone: UTC, early: %s, grace: %s}", c.String(), span(c.early), span(c.grace))
	} else {
		out += ", stale_after: " + span(r.stale)
	}
	if r.warn > 0 {
		out += ", warn_after: " + span(r.warn)
	}
	if r.forget > 0 {
		out += ", forget_after: " + span(r.forget)
	}
	if r.lag > 0 {
		out += ", lag_over: " + span(r.lag)
	}
	return out
}

// span is a duration as rule files have it.
func span(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
