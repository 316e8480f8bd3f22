package rules

import (
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// ReservedFeed is the name under which feedwatch speaks of itself.
const ReservedFeed = "feedwatch"

// Set is one version of all rule files of a directory: immutable, and whole.
// Only Parse makes one.
type Set struct {
	version      string // first 12 hex digits of the hash over names and contents
	feeds        []*Feed
	byName       map[string]*Feed
	escalations  []*Escalation
	retired      map[string]string // feed -> reason
	renamed      map[string]string // old name -> new name
	maintenances []*Maintenance
	files        int       // how many it was read from
	warnings     []Finding // in order
}

// Version identifies the contents: 12 hex digits, the same for the same files.
func (s *Set) Version() string { return s.version }

// Warnings are what somebody should look at, though the set may be used: by file,
// line and column, without those that the files allow, and without those that hold
// for a time.
func (s *Set) Warnings() *Findings { return &Findings{All: always(s.warnings), Files: s.files} }

// Feeds are the feeds in the order of the files.
func (s *Set) Feeds() []*Feed { return s.feeds }

// Feed is the feed called name.
func (s *Set) Feed(name string) (*Feed, bool) {
	f, ok := s.byName[name]
	return f, ok
}

// Escalations are the ladders in the order of the files.
func (s *Set) Escalations() []*Escalation { return s.escalations }

// Maintenances are the maintenances in the order of the files.
func (s *Set) Maintenances() []*Maintenance { return s.maintenances }

// Feed is what the rule files say of one feed.
type Feed struct {
	name, description, owner, runbook string
	retention                         time.Duration
	escalation                        *Escalation
	clientRules, groupRules           []*Rule
	ignoreUnmatched                   bool
	roster                            []Expected
	dependsOn                         []string
	defaulted                         []Defaulted
	ignores                           []*Ignore
}

// Expected is one client of a feed's roster: it is `pending`, then `stale`, even
// if it was never seen.
type Expected struct {
	Key    feed.Key
	Labels feed.Labels
}

// Name is the feed's name, checked by feed.CheckFeedName.
func (f *Feed) Name() string { return f.name }

// Description is a line for people; may be empty.
func (f *Feed) Description() string { return f.description }

// Owner is the team; may be empty.
func (f *Feed) Owner() string { return f.owner }

// Runbook is a URL; may be empty.
func (f *Feed) Runbook() string { return f.runbook }

// Retention is how long the upstream queue keeps an update nobody has read; 0
// when the files do not say.
func (f *Feed) Retention() time.Duration { return f.retention }

// Escalation is the feed's ladder; nil when it has none.
func (f *Feed) Escalation() *Escalation { return f.escalation }

// ClientRules are the rules that govern single clients, in order: the first that
// matches governs.
func (f *Feed) ClientRules() []*Rule { return f.clientRules }

// GroupRules are the `per: feed` and `per: LABEL` rules. Never empty: a feed
// without a `per: feed` rule gets one made from its last client rule, so that
// silence of the whole pages without tuning.
func (f *Feed) GroupRules() []*Rule { return f.groupRules }

// IgnoreUnmatched is `unmatched: ignore`.
func (f *Feed) IgnoreUnmatched() bool { return f.ignoreUnmatched }

// Roster are the clients that the files name as expected.
func (f *Feed) Roster() []Expected { return f.roster }

// DependsOn are the feeds whose open incident explains this feed's silence. They
// exist, each stands here once, and no feed depends on itself by way of others.
func (f *Feed) DependsOn() []string { return f.dependsOn }

// Govern is the client rule for (client, labels), or nil where none fits.
func (f *Feed) Govern(client string, labels feed.Labels) *Rule {
	for _, r := range f.clientRules {
		if r.Matches(client, labels) {
			return r
		}
	}
	return nil
}

// Rule says which series it governs and when they are stale.
type Rule struct {
	name         string
	per          string // "client", "feed" or a label's name
	match        []Matcher
	labels       uint64 // that match depends on; see labelBits
	staleAfter   time.Duration
	warnAfter    time.Duration
	lagOver      time.Duration
	resolveAfter time.Duration
	forgetAfter  time.Duration
	expect       *Schedule
	active       *Active
	longest      time.Duration // see longestGap
	longestCount time.Duration // see LongestCount
	severity     Severities
	quorum       Quorum
	minUpdates   MinUpdates
	escalation   *Escalation
	idleOK       bool
	implied      bool
	defaulted    []Defaulted
	pos          Pos
}

// Name is unique within its feed.
func (r *Rule) Name() string { return r.name }

// Per is "client", "feed" or the name of a label.
func (r *Rule) Per() string { return r.per }

// Matches says whether all matchers of r fit. A label that is not there matches
// as the empty string, as in Alertmanager.
func (r *Rule) Matches(client string, labels feed.Labels) bool {
	for i := range r.match {
		if !r.match[i].Matches(client, labels) {
			return false
		}
	}
	return true
}

// MatchesLabels says whether all matchers of r fit that look at labels; byName: then
// it depends on the client's name whether r does.
func (r *Rule) MatchesLabels(labels feed.Labels) (fits, byName bool) {
	for i := range r.match {
		switch m := &r.match[i]; {
		case m.label == ClientLabel:
			byName = byName || !m.fitsAll()
		case !m.fits(labels.Get(m.label)):
			return false, false
		}
	}
	return true, byName
}

// Match is what r looks for, as Alertmanager writes it; "" for all.
func (r *Rule) Match() string { return Selector(r.match).String() }

// Selective says that r has matchers, so that it governs only some series.
func (r *Rule) Selective() bool { return len(r.match) > 0 }

// StaleAfter is how long after an arrival the next may take; for a rule with
// Expect it is the schedule's grace.
func (r *Rule) StaleAfter() time.Duration { return r.staleAfter }

// WarnAfter is when a series is `late`; 0 for never.
func (r *Rule) WarnAfter() time.Duration { return r.warnAfter }

// LagOver is the event age past which a series is behind; StaleAfter by default.
func (r *Rule) LagOver() time.Duration { return r.lagOver }

// ResolveAfter is how long everything must be fresh before an incident resolves.
func (r *Rule) ResolveAfter() time.Duration { return r.resolveAfter }

// ForgetAfter is after how long unseen a series of a client rule is retired; 0
// for never. It is longer than a series takes to turn stale.
func (r *Rule) ForgetAfter() time.Duration { return r.forgetAfter }

// Expect is the schedule of runs; nil for a rule by age alone.
func (r *Rule) Expect() *Schedule { return r.expect }

// Active is when silence counts; nil for always, as for no rule.
func (r *Rule) Active() *Active {
	if r == nil {
		return nil
	}
	return r.active
}

// LongestGap is the longest time between an update and the deadline that follows
// from it, as far as calendars can be looked ahead.
func (r *Rule) LongestGap() time.Duration { return r.longest }

// Severity is the rule's while few are in trouble.
func (r *Rule) Severity() Severity { return r.severity.Base }

// Severities are how the rule's severity rises with how many are in trouble.
func (r *Rule) Severities() Severities { return r.severity }

// Escalation is the rule's own ladder, or its feed's; nil when neither has one.
func (r *Rule) Escalation() *Escalation { return r.escalation }

// IdleOK lets a heartbeat with count 0 move the arrival.
func (r *Rule) IdleOK() bool { return r.idleOK }

// Implied says that nobody wrote r: it is the whole-feed rule that a feed
// without one gets.
func (r *Rule) Implied() bool { return r.implied }

// Pos is where r stands.
func (r *Rule) Pos() Pos { return r.pos }

// Deadline is the instant at which a series whose last arrival is a turns stale
// if nothing arrives. Without a schedule: a + StaleAfter of active time. With one:
// Next(a + early) + grace; the zero Instant if no further run is scheduled.
func (r *Rule) Deadline(a feed.Instant) feed.Instant {
	if r.expect == nil {
		return r.active.After(a, r.staleAfter)
	}
	return r.expect.Deadline(a)
}

// Severity is one of PagerDuty's, in rising order.
type Severity uint8

// The severities; the zero value is the mildest.
const (
	Info Severity = iota
	Warning
	Error
	Critical
)

var severityNames = [...]string{"info", "warning", "error", "critical"}

// String is the word used in rule files and sent to PagerDuty.
func (s Severity) String() string { return severityNames[min(int(s), len(severityNames)-1)] }

// MarshalText writes String's form.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads String's form.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := ParseSeverity(string(text))
	*s = parsed
	return err
}

// Escalation is a ladder: the steps by which people are told.
type Escalation struct {
	name  string
	steps []Step
	pos   Pos
}

// Name is unique within the set.
func (e *Escalation) Name() string { return e.name }

// Steps are the `after` steps in rising order, then the `before_loss` steps,
// the longest lead first.
func (e *Escalation) Steps() []Step { return e.steps }

// Targets are all destinations on the ladder, each once, in order of first mention.
func (e *Escalation) Targets() []Target {
	var all []Target
	seen := map[Target]bool{}
	for _, s := range e.steps {
		for _, t := range s.Notify {
			if !seen[t] {
				seen[t] = true
				all = append(all, t)
			}
		}
	}
	return all
}

// Step is one rung. Exactly one of After (may be 0, "at once") and BeforeLoss is meant.
type Step struct {
	After      time.Duration // since the incident opened; nobody has acknowledged
	Repeat     time.Duration // 0: once
	BeforeLoss Lead          // zero: an `after` step
	Notify     []Target
}

// String is "30m and every 1h: pagerduty/infra".
func (s Step) String() string {
	when := FormatDuration(s.After)
	if !s.BeforeLoss.IsZero() {
		when = s.BeforeLoss.String() + " before loss"
	}
	if s.Repeat > 0 {
		when += " and every " + FormatDuration(s.Repeat)
	}
	names := make([]string, len(s.Notify))
	for i, t := range s.Notify {
		names[i] = t.String()
	}
	return when + ": " + strings.Join(names, ", ")
}

// Lead is a time before loss begins: a duration, or a share of the retention.
type Lead struct {
	Duration time.Duration
	Percent  float64 // 0 < Percent < 100
}

// IsZero says that there is no lead.
func (l Lead) IsZero() bool { return l == Lead{} }

// Of is the lead for a feed with that retention.
func (l Lead) Of(retention time.Duration) time.Duration {
	if l.Percent > 0 {
		return time.Duration(float64(retention) * l.Percent / 100)
	}
	return l.Duration
}

// Target names a notifier as "kind/name", e.g. slack/cdp-alerts.
type Target struct{ Kind, Name string }

// String is "kind/name".
func (t Target) String() string { return t.Kind + "/" + t.Name }

// MarshalText writes String's form.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads String's form.
func (t *Target) UnmarshalText(text []byte) error {
	parsed, err := ParseTarget(string(text))
	*t = parsed
	return err
}

// Pos is a place in a rule file; lines and columns count from 1.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}
