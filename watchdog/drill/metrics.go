package drill

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// What came of a drill, as metrics call it.
const (
	resultPassed   = "passed"
	resultFailed   = "failed"
	resultCut      = "cut_short"
	resultNotBegun = "not_begun"
)

type metrics struct {
	success  *prometheus.GaugeVec
	failures *prometheus.CounterVec
	drills   *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		success: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "feedwatch_drill_last_success_timestamp_seconds",
			Help: "When a drill's message was last seen back from a notifier and, where it asked a person, acknowledged in time.",
		}, []string{"notifier"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_drill_failures_total",
			Help: "Drills whose message was not seen back from a notifier.",
		}, []string{"notifier"}),
		drills: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_drills_total",
			Help: "Drills by what came of them.",
		}, []string{"result"}),
	}
	r.MustRegister(m.success, m.failures, m.drills)
	for _, result := range []string{resultPassed, resultFailed, resultCut, resultNotBegun} {
		m.drills.WithLabelValues(result)
	}
	return m
}

// succeeded notes at which notifiers a drill did. One that is on no escalation any
// more is left out: nothing would ever renew it.
func (m *metrics) succeeded(inc *watchdog.Incident, on map[rules.Target]bool) {
	if inc.Drill.CutShort != "" || inc.Drill.Failed != "" {
		return
	}
	for i := range inc.Drill.Notifiers {
		if r := &inc.Drill.Notifiers[i]; r.State == watchdog.DrillSeen && (on == nil || on[r.Notifier]) {
			m.success.WithLabelValues(r.Notifier.String()).Set(float64(inc.Resolved) / 1000)
		}
	}
}

func (m *metrics) count(inc *watchdog.Incident) {
	m.succeeded(inc, nil)
	result := resultFailed
	switch {
	case inc.Drill.CutShort != "":
		result = resultCut
	case inc.Drill.Passed():
		result = resultPassed
	}
	m.drills.WithLabelValues(result).Inc()
	for i := range inc.Drill.Notifiers {
		if r := &inc.Drill.Notifiers[i]; r.State == watchdog.DrillFailed {
			m.failures.WithLabelValues(r.Notifier.String()).Inc()
		}
	}
}
