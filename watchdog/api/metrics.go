package api

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// metrics are the API's own.
type metrics struct {
	requests        *prometheus.CounterVec
	duration        *prometheus.HistogramVec
	requestsRefused *prometheus.CounterVec
	itemsRefused    *prometheus.CounterVec
}

// Reasons why a request of heartbeats is refused whole.
const (
	whyTooLarge  = "too_large"
	whyTooMany   = "too_many_heartbeats"
	whyMalformed = "malformed"
	whyMediaType = "media_type"
	whyBusy      = "busy"
)

// Reasons why one heartbeat of a request does not reach the engine.
const (
	whyUnreadable = "unreadable"
	whyForbidden  = "forbidden"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_http_requests_total",
			Help: "HTTP requests answered, by route and status code.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "feedwatch_http_request_duration_seconds",
			Help:    "Time from the header of an HTTP request to the end of its answer, by route.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 60},
		}, []string{"route"}),
		requestsRefused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_ingest_requests_refused_total",
			Help: "Requests of heartbeats that were refused whole, by reason.",
		}, []string{"reason"}),
		itemsRefused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "feedwatch_ingest_items_refused_total",
			Help: "Pushed heartbeats that were refused before they reached the engine, by reason.",
		}, []string{"reason"}),
	}
	for _, why := range []string{whyTooLarge, whyTooMany, whyMalformed, whyMediaType, whyBusy} {
		m.requestsRefused.WithLabelValues(why)
	}
	for _, why := range []string{whyUnreadable, whyForbidden} {
		m.itemsRefused.WithLabelValues(why)
	}
	reg.MustRegister(m.requests, m.duration, m.requestsRefused, m.itemsRefused)
	return m
}

// routeMetrics are those of one route. It remembers what it counted last: the same
// comes again and again.
type routeMetrics struct {
	all   *metrics
	route string
	last  atomic.Pointer[codeMetrics]
}

type codeMetrics struct {
	code     int
	requests prometheus.Counter
	duration prometheus.Observer
}

func (m *routeMetrics) request(code int, took time.Duration) {
	last := m.last.Load()
	if last == nil || last.code != code {
		last = &codeMetrics{code, m.all.requests.WithLabelValues(m.route, strconv.Itoa(code)), m.all.duration.WithLabelValues(m.route)}
		m.last.Store(last)
	}
	last.requests.Inc()
	last.duration.Observe(took.Seconds())
}

func (m *metrics) items(b *feed.Batch, before int) {
	if b.Refused == 0 {
		return
	}
	m.itemsRefused.WithLabelValues(whyUnreadable).Add(float64(before))
	m.itemsRefused.WithLabelValues(whyForbidden).Add(float64(b.Refused - before))
}

// metricsAll is GET /metrics. It speaks of every feed.
func (a *API) metricsAll(w http.ResponseWriter, r *http.Request, who *Token) {
	if !who.reachesAll() {
		refuseError(w, outOfReach(who, AllFeeds))
		return
	}
	promhttp.HandlerFor(a.cfg.Gatherer, promhttp.HandlerOpts{
		ErrorLog:      promLog{a.cfg.Log},
		ErrorHandling: promhttp.ContinueOnError, // what can be shown is shown
	}).ServeHTTP(w, r)
}
