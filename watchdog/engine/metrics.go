package engine

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

type metrics struct {
	lag        prometheus.Histogram
	heartbeats *prometheus.CounterVec
	commits    *prometheus.CounterVec
	reloads    *prometheus.CounterVec
	taken      map[string]prometheus.Counter // heartbeats that are ok, by source; the owner's
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		lag: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "feedwatch_evaluation_lag_seconds",
			Help:    "How late after its deadline the opening of an incident was seen.",
			Buckets: []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
		heartbeats: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_heartbeats_total",
			Help: "Heartbeats taken or refused by the engine, by source and result.",
		}, []string{"source", "result"}),
		commits: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_store_commits_total",
			Help: "Commits to the store by result.",
		}, []string{"result"}),
		reloads: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_rules_reloads_total",
			Help: "Rule sets read, by whether they were put in force or refused.",
		}, []string{"result"}),
	}
	m.taken = map[string]prometheus.Counter{}
	for _, result := range []string{"ok", "failed"} {
		m.commits.WithLabelValues(result)
	}
	for _, result := range []string{"ok", "refused"} {
		m.reloads.WithLabelValues(result)
	}
	return m
}

func (m *metrics) heard(in *watchdog.Heard) {
	n := len(in.Report.Heartbeats)
	if n == 0 {
		return
	}
	source := in.Report.Source.Name
	for _, why := range in.Refused {
		if why != feed.Accepted {
			n--
			m.heartbeats.WithLabelValues(source, string(why)).Inc()
		}
	}
	ok := m.taken[source]
	if ok == nil {
		ok = m.heartbeats.WithLabelValues(source, "ok")
		m.taken[source] = ok
	}
	ok.Add(float64(n))
}
