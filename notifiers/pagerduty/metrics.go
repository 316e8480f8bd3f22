package pagerduty

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are those of what comes back from PagerDuty.
type Metrics struct {
	decisions *prometheus.CounterVec
	webhooks  *prometheus.CounterVec
	looks     *prometheus.CounterVec
	mended    *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	m := &Metrics{
		decisions: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_pagerduty_decisions_total",
			Help: "Acknowledgements and resolves seen in PagerDuty, by what became of them.",
		}, []string{"result"}),
		webhooks: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_pagerduty_webhooks_total",
			Help: "Webhooks from PagerDuty by what became of them.",
		}, []string{"result"}),
		looks: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_pagerduty_looks_total",
			Help: "Looks into what PagerDuty holds of our alerts, by notifier and result: ok, or the class of the error.",
		}, []string{"notifier", "result"}),
		mended: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_pagerduty_mended_total",
			Help: "Alerts that PagerDuty did not hold as it was told, by notifier and what was sent again.",
		}, []string{"notifier", "sent"}),
	}
	for _, result := range []string{tookAck, tookResolve, tookNothing, tookForeign, tookNobody, tookFailed} {
		m.decisions.WithLabelValues(result)
	}
	for _, result := range []string{hookTaken, hookIgnored, hookReplayed, hookForged, hookUnreadable, hookLater} {
		m.webhooks.WithLabelValues(result)
	}
	return m
}

func (m *Metrics) announce(notifier string) {
	m.looks.WithLabelValues(notifier, "ok")
	for _, sent := range []string{sentTrigger, sentResolve} {
		m.mended.WithLabelValues(notifier, sent)
	}
}
