package main

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/deadman"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// watchConfig says who notices, outside, when feedwatch dies.
type watchConfig struct {
	URLEnv  string `yaml:"ping_url_env"`
	URLFile string `yaml:"ping_url_file"`
	Every   span   `yaml:"every"`
}

// pinger makes what tells the watch outside that all is well; unwell says what is not.
func (c *config) pinger(registry prometheus.Registerer, unwell func(now time.Time) string, log *slog.Logger) (*deadman.Pinger, error) {
	w, url := c.Watch, ""
	var err error
	if w != (watchConfig{}) {
		if url, err = secretFrom("ping_url", w.URLEnv, w.URLFile); err != nil {
			return nil, c.places.fault(fmt.Errorf("watch: %w", err), "watch")
		}
	}
	p, err := deadman.New(deadman.Config{
		URL: notifiers.NewSecret(url), Every: w.Every.duration(), Unwell: unwell, Log: log, Registerer: registry, Now: time.Now,
	})
	return p, c.places.fault(err, "watch")
}

// lateAfter is how old the engine's picture may be, which it renews each second.
const lateAfter = 30 * time.Second

// unwell is what keeps feedwatch from doing its work; "" when it would page.
func (s *service) unwell(now time.Time) string {
	st := s.engine.Status()
	switch {
	case st == nil || !st.Ready:
		return "the first complete evaluation is not done"
	case now.Sub(st.Now.Time()) > lateAfter:
		return "the watch stands still since " + st.Now.String()
	case st.Store.Failing != "":
		return "nothing can be stored: " + st.Store.Failing
	case now.Sub(s.heardThrough(now)) > lateAfter:
		return "our own address does not answer"
	}
	return unheardLadder(s.reloader.InForce(), s.delivery.Status(), now)
}

// unheardLadder names a ladder in force on which nobody can be woken now.
func unheardLadder(set *rules.Set, all []delivery.TargetStatus, now time.Time) string {
	status := map[rules.Target]delivery.TargetStatus{}
	for _, t := range all {
		status[t.Target] = t
	}
	for _, ladder := range laddersOf(set) {
		wakes := slices.ContainsFunc(pagingOf(ladder, status), func(t rules.Target) bool { return works(status[t], now) })
		if !wakes {
			return fmt.Sprintf("no notifier on the escalation %q that would wake somebody works", ladder.Name())
		}
	}
	return ""
}

// laddersOf are the ladders that feeds use.
func laddersOf(set *rules.Set) []*rules.Escalation {
	var all []*rules.Escalation
	add := func(e *rules.Escalation) {
		if e != nil && !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	for _, f := range set.Feeds() {
		add(f.Escalation())
		for _, r := range slices.Concat(f.ClientRules(), f.GroupRules()) {
			add(r.Escalation())
		}
	}
	return all
}

// pagingOf are the surest ways on a ladder to wake somebody: alerts where there
// are any, else what it has. A terminal wakes nobody.
func pagingOf(ladder *rules.Escalation, status map[rules.Target]delivery.TargetStatus) []rules.Target {
	var alerts, others []rules.Target
	for _, t := range ladder.Targets() {
		st, ok := status[t]
		switch {
		case !ok || t.Kind == "console":
		case st.Alerts:
			alerts = append(alerts, t)
		default:
			others = append(others, t)
		}
	}
	if len(alerts) > 0 {
		return alerts
	}
	return others
}

// failingFor is how long a notifier may take nothing before it does not work.
const failingFor = 5 * time.Minute

func works(t delivery.TargetStatus, now time.Time) bool {
	failing := t.Pending > 0 && !t.FailingSince.IsZero() && now.Sub(t.FailingSince.Time()) > failingFor
	return t.Parked == "" && !failing
}
