package report

import (
	"slices"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Words are how an incident is told, so that a report says what the messages
// said. All of them are needed.
type Words struct {
	Headline func(inc *watchdog.Incident) string
	Affected func(inc *watchdog.Incident) (watchdog.Scope, string) // "all 300 clients"
	Where    func(inc *watchdog.Incident) string                   // "every cluster"; "" where no label says anything
	Event    func(inc *watchdog.Incident, e *watchdog.Event) []string
	Again    func(first, last time.Time, more int) string // of pages that only repeat the one at first
	Day      func(t time.Time) string                     // "24 Nov 2025 00:05"
	Age      func(d time.Duration) string                 // "9 d 18 h"
	Count    func(n int) string                           // "1,248"
	About    func(n float64) string                       // "about 3.14 M"; "" where it is not known
	Clean    func(s string, runesMax int) string          // fit to show
	Link     func(url string) string                      // fit to follow; "" for what is no link
}

// Report is the draft for one incident. Times that did not come, or are not
// known, are zero.
type Report struct {
	Incident    string               `json:"incident"`
	Title       string               `json:"title"`
	Headline    string               `json:"headline"`
	Summary     string               `json:"summary"`
	Drafted     feed.Instant         `json:"drafted"` // when; ages and what is lost are those of then
	State       watchdog.State       `json:"state"`
	Cause       watchdog.Cause       `json:"cause"`
	Severity    rules.Severity       `json:"severity"`
	Feeds       []Feed               `json:"feeds"`
	Clients     Clients              `json:"clients"`
	Environment Environment          `json:"environment"`
	Times       Times                `json:"times"`
	Intervals   Intervals            `json:"intervals"`
	Retention   time.Duration        `json:"retention_ns,omitempty"` // of the upstream queue
	Lost        *Updates             `json:"lost,omitempty"`
	Late        *Updates             `json:"late,omitempty"`
	Ledger      []watchdog.LedgerRow `json:"ledger,omitempty"`
	Timeline    []Entry              `json:"timeline"`
	Measures    []Measure            `json:"measures"`

	words Words
	inc   *watchdog.Incident
}

// Feed is an affected feed.
type Feed struct {
	Name    string `json:"name"`
	Owner   string `json:"owner,omitempty"`
	Runbook string `json:"runbook,omitempty"`
	Rule    string `json:"rule,omitempty"`
}

// Clients are the clients in trouble at the worst, of all clients of the feed.
type Clients struct {
	Affected int `json:"affected"`
	Of       int `json:"of"`
}

// Environment says where it happened.
type Environment struct {
	Install string      `json:"install"`
	Labels  feed.Labels `json:"labels,omitzero"` // that explain it, all together; none for the whole feed
}

// Times are what a root-cause document asks for.
type Times struct {
	Began          feed.Instant `json:"began,omitzero"` // of a silence: the last update before it
	Detected       feed.Instant `json:"detected,omitzero"`
	FirstPage      feed.Instant `json:"first_page,omitzero"`
	Acknowledged   feed.Instant `json:"acknowledged,omitzero"`
	AcknowledgedBy string       `json:"acknowledged_by,omitempty"`
	LossBegan      feed.Instant `json:"loss_began,omitzero"`
	UpdatesAgain   feed.Instant `json:"updates_again,omitzero"`
	NormalAgain    feed.Instant `json:"normal_again,omitzero"` // to the minute, rounded up
	Resolved       feed.Instant `json:"resolved,omitzero"`
}

// Intervals are the times between them; zero where one is missing.
type Intervals struct {
	Detect      time.Duration `json:"detect_ns,omitempty"`      // from Began to Detected
	Acknowledge time.Duration `json:"acknowledge_ns,omitempty"` // from Detected to Acknowledged
	Silent      time.Duration `json:"silent_ns,omitempty"`      // from Began to UpdatesAgain
	CatchUp     time.Duration `json:"catch_up_ns,omitempty"`    // from UpdatesAgain to NormalAgain
	Recover     time.Duration `json:"recover_ns,omitempty"`     // from Detected to NormalAgain
	Duration    time.Duration `json:"duration_ns"`              // from Began to NormalAgain, or until now
}

// Updates are those that were made in a stretch of time.
type Updates struct {
	From      feed.Instant  `json:"from"`
	To        feed.Instant  `json:"to"`
	Length    time.Duration `json:"length_ns"`
	ByArrival bool          `json:"by_arrival,omitempty"` // known by arrivals alone
	AtRisk    bool          `json:"at_risk,omitempty"`    // the wider of two answers
	Growing   bool          `json:"growing,omitempty"`    // not over yet
	Estimate  float64       `json:"estimate,omitempty"`   // how many; 0: not known
}

// New drafts the report of an incident as it is now. Without a ledger what was
// lost is the incident's own interval; without measures some are drafted from
// what was recorded.
func New(inc *watchdog.Incident, ledger []watchdog.LedgerRow, measures []Measure, now feed.Instant, w Words) *Report {
	r := &Report{
		Incident: inc.ID, Headline: w.Headline(inc), Drafted: now,
		State: inc.State, Cause: inc.Cause, Severity: inc.Severity, Retention: inc.Loss.Retention,
		Feeds:  []Feed{{inc.Feed, inc.Owner, inc.Runbook, inc.Rule}},
		Ledger: ledger, words: w, inc: inc,
	}
	scope, _ := w.Affected(inc)
	r.Clients = Clients{Affected: scope.Silent, Of: scope.Of + scope.ElsewhereOf}
	r.Environment = Environment{Install: install(inc), Labels: scope.Labels}
	r.Times = times(inc)
	r.Intervals = r.Times.intervals(now)
	r.Title = "Incident report: " + inc.Feed + ", " + r.Times.Began.Time().Format("2 January 2006")
	r.Lost, r.Late = lost(inc, ledger, now), late(inc, r.Times)
	r.Timeline = timeline(inc, r.Times, w)
	if r.Measures = measures; measures == nil {
		r.Measures = draft(r)
	}
	r.Summary = r.summary()
	return r
}

// install is the installation that the incident's key names.
func install(inc *watchdog.Incident) string {
	parts := strings.SplitN(inc.Key, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

func times(inc *watchdog.Incident) Times {
	t := Times{Began: began(inc), Detected: max(inc.Seen, inc.Opened), Resolved: inc.Resolved, NormalAgain: normalAgain(inc)}
	if inc.Cause == watchdog.CauseSilent {
		t.UpdatesAgain = inc.Loss.FirstAgain
	}
	if len(inc.Pages) > 0 {
		t.FirstPage = inc.Pages[0].At
	}
	for i := range inc.Events {
		switch e := &inc.Events[i]; {
		case e.Kind == watchdog.EventAcknowledged && t.Acknowledged.IsZero():
			t.Acknowledged, t.AcknowledgedBy = e.At, e.Who
		case e.Kind == watchdog.EventLossBegun && t.LossBegan.IsZero():
			t.LossBegan = e.At
		}
	}
	return t
}

// began is when the trouble did: with the last update that was seen before it, or
// where there was none by what the rule allows.
func began(inc *watchdog.Incident) feed.Instant {
	seen := inc.Cause == watchdog.CauseSilent || inc.Cause == watchdog.CauseBlind
	switch {
	case inc.Trickle != nil:
		return inc.Trickle.From
	case seen && !inc.Since.IsZero() && inc.Since < inc.Opened:
		return inc.Since
	case inc.Cause == watchdog.CauseBehind:
		return inc.Opened
	default:
		return inc.ExpectedSince()
	}
}

// normalAgain is when the last late update had come, which is known only some
// windows later. It is rounded up: nobody is to be told too early a time.
func normalAgain(inc *watchdog.Incident) feed.Instant {
	if neverCame(inc) {
		return 0
	}
	if inc.Current.IsZero() || inc.WellSince.IsZero() {
		return inc.WellSince
	}
	whole := feed.Instant(unit(inc) / time.Millisecond)
	return min((inc.Current+whole-1)/whole*whole, inc.WellSince)
}

// neverCame says that the incident ended because its clients are no longer
// watched: no update of theirs came again.
func neverCame(inc *watchdog.Incident) bool {
	forgot := func(e watchdog.Event) bool {
		return e.Kind == watchdog.EventForgotten || e.Kind == watchdog.EventLeft || e.Kind == watchdog.EventIgnored
	}
	return inc.Cause == watchdog.CauseSilent && inc.State == watchdog.StateResolved && inc.Loss.FirstAgain.IsZero() && slices.ContainsFunc(inc.Events, forgot)
}

// unit is how exact the times of a document are.
func unit(inc *watchdog.Incident) time.Duration {
	if inc.Allowed > 0 && inc.Allowed < time.Minute { // its rules count in seconds
		return time.Second
	}
	return time.Minute
}

func (t Times) intervals(now feed.Instant) Intervals {
	end := now
	for _, at := range []feed.Instant{t.Resolved, t.NormalAgain} {
		if !at.IsZero() {
			end = at
		}
	}
	return Intervals{
		Detect:      between(t.Began, t.Detected),
		Acknowledge: between(t.Detected, t.Acknowledged),
		Silent:      between(t.Began, t.UpdatesAgain),
		CatchUp:     between(t.UpdatesAgain, t.NormalAgain),
		Recover:     between(t.Detected, t.NormalAgain),
		Duration:    between(t.Began, end),
	}
}

// between is the time from one to the other, 0 where one of them did not come.
func between(from, to feed.Instant) time.Duration {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	return max(0, to.Sub(from))
}

// over says that the trouble has ended.
func (r *Report) over() bool {
	return !r.Times.NormalAgain.IsZero() || r.State == watchdog.StateResolved
}
