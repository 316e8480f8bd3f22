package slack

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// How requests come, and what became of them.
const (
	overHTTP   = "http"
	overSocket = "socket"

	taken      = "taken"
	repeated   = "repeated"   // taken before
	unsigned   = "unsigned"   // not Slack's, or too old
	unreadable = "unreadable" // signed, but of no use
	full       = "full"       // too many wait
)

type metrics struct{ requests *prometheus.CounterVec }

// newMetrics counts what comes in, and the connections that are down.
func newMetrics(r prometheus.Registerer, down func() float64) *metrics {
	f := promauto.With(r)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "feedwatch_slack_sockets_down",
		Help: "Connections of Slack's Socket Mode that are down: buttons and commands do nothing meanwhile.",
	}, down)
	return &metrics{f.NewCounterVec(prometheus.CounterOpts{
		Name: "feedwatch_slack_requests_total",
		Help: "What people pressed and typed in Slack, by the way it came and what became of it.",
	}, []string{"way", "result"})}
}

func (m *metrics) request(way, result string) { m.requests.WithLabelValues(way, result).Inc() }
