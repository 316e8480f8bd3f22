package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/feedwatch/feedwatch/watchdog"
)

// clientScrapesMax is how many scrapes of /metrics/clients run at once.
const clientScrapesMax = 2

// Names of the metrics of /metrics/clients.
const (
	clientUpdateName  = "feedwatch_client_last_update_timestamp_seconds"
	clientUpdateHelp  = "When the last update of the client was received; clients that never had one are not shown."
	clientOmittedName = "feedwatch_client_series_omitted"
	clientOmittedHelp = "Clients that this answer does not show because it is at its cap."
)

// metricsClients is GET /metrics/clients: a series for each client, up to the
// cap, read in pages so that the engine never stops for it.
func (a *API) metricsClients(w http.ResponseWriter, r *http.Request, who *Token) {
	select {
	case a.clientScrapes <- struct{}{}:
		defer func() { <-a.clientScrapes }()
	default:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "two scrapes of this are running: scrape it less often")
		return
	}
	gather := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return a.clientFamilies(r.Context(), who) })
	promhttp.HandlerFor(gather, promhttp.HandlerOpts{
		ErrorLog:      promLog{a.cfg.Log},
		ErrorHandling: promhttp.HTTPErrorOnError, // half of the clients would look like the rest gone
	}).ServeHTTP(w, r)
}

func (a *API) clientFamilies(ctx context.Context, who *Token) ([]*dto.MetricFamily, error) {
	s, err := a.status()
	if err != nil {
		return nil, err
	}
	var series []*dto.Metric
	omitted := 0
	for i := range s.Feeds {
		f := &s.Feeds[i]
		if !who.reaches(f.Name) {
			continue
		}
		seen := 0
		for q := (watchdog.ClientQuery{Feed: f.Name, Any: true, Limit: watchdog.ClientPageMax}); len(series) < a.cfg.ClientSeriesMax; {
			found, err := a.cfg.Watch.Clients(ctx, q)
			if err != nil {
				return nil, fmt.Errorf("reading the clients of feed %q: %w", f.Name, err)
			}
			for j := range found.Clients {
				if len(series) == a.cfg.ClientSeriesMax {
					break
				}
				seen++
				if c := &found.Clients[j]; !c.Arrival.IsZero() {
					series = append(series, clientMetric(f.Name, c))
				}
			}
			if found.Next == 0 {
				break
			}
			q.Cursor = found.Next
		}
		omitted += max(0, f.Clients-seen)
	}
	families := []*dto.MetricFamily{gaugeFamily(clientOmittedName, clientOmittedHelp, gauge(float64(omitted)))}
	if len(series) > 0 {
		families = append([]*dto.MetricFamily{gaugeFamily(clientUpdateName, clientUpdateHelp, series...)}, families...)
	}
	return families, nil
}

func clientMetric(feedName string, c *watchdog.ClientView) *dto.Metric {
	m := gauge(float64(c.Arrival) / 1000)
	m.Label = []*dto.LabelPair{
		{Name: proto.String("client"), Value: proto.String(strings.ToValidUTF8(c.Client, "\uFFFD"))},
		{Name: proto.String("feed"), Value: proto.String(strings.ToValidUTF8(feedName, "\uFFFD"))},
	}
	return m
}

func gauge(v float64) *dto.Metric { return &dto.Metric{Gauge: &dto.Gauge{Value: proto.Float64(v)}} }

func gaugeFamily(name, help string, series ...*dto.Metric) *dto.MetricFamily {
	return &dto.MetricFamily{Name: proto.String(name), Help: proto.String(help), Type: dto.MetricType_GAUGE.Enum(), Metric: series}
}

// promLog writes what promhttp has to say to the log.
type promLog struct{ log *slog.Logger }

// Println is promhttp's.
func (l promLog) Println(v ...any) {
	l.log.Warn("metrics could not be written", slog.String("error", strings.TrimSpace(fmt.Sprintln(v...))))
}
