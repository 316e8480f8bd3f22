package engine

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Collector shows a Status as metrics. It keeps nothing: a scrape reads the
// picture that the owner published last.
type Collector struct {
	status func() *Status

	newest, oldest, clients, timeToLoss, silent *prometheus.Desc
	incidents, held, silences                   *prometheus.Desc
	lag, blind                                  *prometheus.Desc
	rulesInfo, reloadOK, reloadedAt             *prometheus.Desc
	storeFailing, ready, evaluatedAt            *prometheus.Desc
}

// NewCollector shows what status returns, and nothing while that is nil.
func NewCollector(status func() *Status) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("feedwatch_"+name, help, labels, nil)
	}
	return &Collector{
		status:     status,
		newest:     desc("feed_newest_update_timestamp_seconds", "When the newest update of any client of the feed was received.", "feed"),
		oldest:     desc("feed_oldest_update_timestamp_seconds", "The earliest of its clients' last updates, over the clients that had one.", "feed"),
		clients:    desc("feed_clients", "Clients of the feed by verdict.", "feed", "verdict"),
		timeToLoss: desc("feed_time_to_loss_seconds", "Time until updates of the feed begin to be deleted unread: below 0 once they are, the whole retention while nothing is waiting.", "feed"),
		silent:     desc("feed_silent", "1 while an incident says that every client of the feed is silent.", "feed"),
		incidents:  desc("incidents", "Incidents that are not resolved, by state and severity.", "state", "severity"),
		held:       desc("incidents_held", "Incidents that nobody is paged for now, by what holds them.", "by"),
		silences:   desc("silences", "Silences that hold, and those that are to come.", "state"),
		lag:        desc("source_known_through_lag_seconds", "How far behind now the time is up to which the source can say what arrived.", "source"),
		blind:      desc("source_blind", "1 while the source lags more than its bound: its clients may be fine or silent.", "source"),
		rulesInfo:  desc("rules_info", "The rule set in force; always 1.", "version"),
		reloadOK:   desc("rules_last_reload_successful", "1 if the last rule set that was read is in force, 0 if it was refused."),
		reloadedAt: desc("rules_last_reload_success_timestamp_seconds", "When the rule set in force was loaded."),
		storeFailing: desc("store_failing",
			"1 while what people decide, what is sent or last updates cannot be made durable."),
		ready:       desc("ready", "1 once the first complete evaluation is done."),
		evaluatedAt: desc("last_evaluation_timestamp_seconds", "The time that the last evaluation looked at; the watch stands still when this does."),
	}
}

// Describe is prometheus.Collector's.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.newest, c.oldest, c.clients, c.timeToLoss, c.silent, c.incidents, c.held, c.silences, c.lag, c.blind,
		c.rulesInfo, c.reloadOK, c.reloadedAt, c.storeFailing, c.ready, c.evaluatedAt,
	} {
		ch <- d
	}
}

// Collect is prometheus.Collector's.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := c.status()
	if s == nil {
		ch <- prometheus.MustNewConstMetric(c.ready, prometheus.GaugeValue, 0)
		return
	}
	out := gauges{ch}
	silent := silentFeeds(s.Incidents)
	for i := range s.Feeds {
		c.feed(out, &s.Feeds[i], s.Now, silent[s.Feeds[i].Name])
	}
	c.countIncidents(out, s.Incidents)
	c.countHolds(out, s)
	for i := range s.Sources {
		src := &s.Sources[i]
		name := label(src.Name)
		// A source that was never read lags since we began to ask.
		known := src.KnownThrough
		if known.IsZero() {
			known = s.Started
		}
		out.add(c.lag, max(0, s.Now.Sub(known)).Seconds(), name)
		out.add(c.blind, bit(src.Blind), name)
	}
	if s.Rules.Version != "" {
		out.add(c.rulesInfo, 1, label(s.Rules.Version))
	}
	out.add(c.reloadOK, bit(s.Rules.Version != "" && s.Rules.RefusedAt.IsZero()))
	out.at(c.reloadedAt, s.Rules.LoadedAt)
	out.add(c.storeFailing, bit(s.Store.Failing != ""))
	out.add(c.ready, bit(s.Ready))
	out.at(c.evaluatedAt, s.Now)
}

func (c *Collector) feed(out gauges, f *watchdog.FeedView, now feed.Instant, silent bool) {
	name := label(f.Name)
	out.at(c.newest, f.Newest, name)
	out.at(c.oldest, f.Oldest, name)
	for v, n := range f.ByVerdict {
		out.add(c.clients, float64(n), name, watchdog.Verdict(v).String())
	}
	if left, ok := timeToLoss(f, now); ok {
		out.add(c.timeToLoss, left.Seconds(), name)
	}
	out.add(c.silent, bit(silent), name)
}

// timeToLoss is the clock that matters: the whole retention while nothing waits.
func timeToLoss(f *watchdog.FeedView, now feed.Instant) (time.Duration, bool) {
	switch {
	case !f.LossBegins.IsZero():
		return f.LossBegins.Sub(now), true
	case f.Retention > 0:
		return f.Retention, true
	default:
		return 0, false
	}
}

// silentFeeds are the feeds of which every client is silent.
func silentFeeds(incidents []*watchdog.Incident) map[string]bool {
	all := map[string]bool{}
	for _, inc := range incidents {
		active := inc.State == watchdog.StateOpen || inc.State == watchdog.StateAcknowledged
		if active && inc.Cause == watchdog.CauseSilent && inc.Scope.Whole() && inc.Scope.Silent == inc.Scope.Of {
			all[inc.Feed] = true
		}
	}
	return all
}

func (c *Collector) countIncidents(out gauges, incidents []*watchdog.Incident) {
	type kind struct {
		state    watchdog.State
		severity rules.Severity
	}
	counts := map[kind]int{}
	for _, inc := range incidents {
		counts[kind{inc.State, inc.Severity}]++
	}
	for _, state := range []watchdog.State{watchdog.StateOpen, watchdog.StateAcknowledged, watchdog.StateRecovering} {
		for severity := rules.Info; severity <= rules.Critical; severity++ {
			out.add(c.incidents, float64(counts[kind{state, severity}]), string(state), severity.String())
		}
	}
}

func (c *Collector) countHolds(out gauges, s *Status) {
	held := map[watchdog.HoldKind]int{}
	for _, inc := range s.Incidents {
		if inc.Hold != nil {
			held[inc.Hold.Kind]++
		}
	}
	for _, kind := range []watchdog.HoldKind{watchdog.HoldSilence, watchdog.HoldMaintenance, watchdog.HoldParent} {
		out.add(c.held, float64(held[kind]), string(kind))
	}
	active := 0
	for i := range s.Silences {
		if s.Silences[i].Active(s.Now) {
			active++
		}
	}
	out.add(c.silences, float64(active), "active")
	out.add(c.silences, float64(len(s.Silences)-active), "pending")
}

// gauges writes them to a scrape.
type gauges struct{ ch chan<- prometheus.Metric }

func (g gauges) add(d *prometheus.Desc, v float64, labels ...string) {
	g.ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// at writes an instant, and nothing for "never": 0 would be a date in 1970.
func (g gauges) at(d *prometheus.Desc, i feed.Instant, labels ...string) {
	if !i.IsZero() {
		g.add(d, float64(i)/1000, labels...)
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// label is text from outside as a label's value, which must be UTF-8.
func label(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
