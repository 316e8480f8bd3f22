package sources

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what all pull sources do; one for the process.
type Metrics struct {
	reads    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_source_reads_total",
			Help: "Reads of pulled sources by result: ok, failed, or lost when the engine did not take what was read.",
		}, []string{"source", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "feedwatch_source_read_duration_seconds",
			Help:    "How long a read of a pulled source took, failed ones included.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"source"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_source_values_refused_total",
			Help: "Values read from pulled sources that are no heartbeat, by reason.",
		}, []string{"source", "reason"}),
	}
	reg.MustRegister(m.reads, m.duration, m.refused)
	return m
}

// Announce makes the counters of a source exist before its first read.
func (m *Metrics) Announce(source string) {
	for _, result := range []string{"ok", "failed", "lost"} {
		m.reads.WithLabelValues(source, result)
	}
}

func (m *Metrics) read(source string, err error, took time.Duration) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.reads.WithLabelValues(source, result).Inc()
	m.duration.WithLabelValues(source).Observe(took.Seconds())
}

func (m *Metrics) lost(source string) { m.reads.WithLabelValues(source, "lost").Inc() }
