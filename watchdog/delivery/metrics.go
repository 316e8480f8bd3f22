package delivery

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	results *prometheus.CounterVec
	took    *prometheus.HistogramVec
	pending *prometheus.GaugeVec
	parked  *prometheus.GaugeVec
	dead    *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, j *journal) *metrics {
	f := promauto.With(r)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "feedwatch_receipts_unsaved",
		Help: "Receipts of messages that are not durable yet: after a crash now, what they tell of may be sent again.",
	}, func() float64 { return float64(j.unsaved()) })
	labels := []string{"notifier"}
	return &metrics{
		results: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_notifications_total",
			Help: "Attempts to notify, by notifier and result: ok, or the class of the error.",
		}, []string{"notifier", "result"}),
		took: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "feedwatch_notification_duration_seconds",
			Help:    "How long an attempt to notify took, by notifier.",
			Buckets: prometheus.DefBuckets,
		}, labels),
		pending: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "feedwatch_notifications_pending",
			Help: "Messages that a notifier is still to be told, by notifier.",
		}, labels),
		parked: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "feedwatch_notifier_parked",
			Help: "Whether a notifier refuses us and is only probed, by notifier: 1 or 0.",
		}, labels),
		dead: f.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_notifications_dead_total",
			Help: "Messages that were not taken whole, by notifier: even the shortest form was refused, or some of the recipients.",
		}, labels),
	}
}

// announce makes the series of a notifier be there before its first message.
func (m *metrics) announce(name string) {
	for c := Ambiguous; c <= Partial; c++ {
		m.results.WithLabelValues(name, c.String())
	}
	m.results.WithLabelValues(name, "ok")
	m.pending.WithLabelValues(name).Set(0)
	m.parked.WithLabelValues(name).Set(0)
	m.dead.WithLabelValues(name)
}
