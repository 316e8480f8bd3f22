package prometheus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// Source reads one Prometheus. It is not safe for concurrent reads.
type Source struct {
	cfg      Config
	url      *url.URL
	api      v1.API
	client   *http.Client
	refusals *sources.Refusals
}

// New checks cfg; the error names everything that is wrong with it.
func New(cfg Config, metrics *sources.Metrics, log *slog.Logger) (*Source, error) {
	cfg, address, err := cfg.withDefaults()
	client, clientErr := cfg.Access.Client(answerBytesMax)
	if err := errors.Join(err, clientErr); err != nil {
		return nil, fmt.Errorf("prometheus source %q: %w", cfg.Name, err)
	}
	c, err := api.NewClient(api.Config{Address: address.String(), Client: client})
	if err != nil {
		return nil, fmt.Errorf("prometheus source %q: %w", cfg.Name, err)
	}
	metrics.Announce(cfg.Name)
	return &Source{
		cfg:      cfg,
		url:      address,
		api:      v1.NewAPI(c),
		client:   client,
		refusals: sources.NewRefusals(cfg.Name, metrics, log),
	}, nil
}

// Source is how the engine knows it.
func (s *Source) Source() feed.Source { return s.cfg.source() }

// Schedule is when it is read, defaults filled in.
func (s *Source) Schedule() sources.Schedule { return s.cfg.Schedule }

// Close drops idle connections.
func (s *Source) Close() { s.client.CloseIdleConnections() }

// Read runs the queries, both for the same time.
func (s *Source) Read(ctx context.Context) (feed.Report, error) {
	now := s.cfg.Now()
	batch := sources.NewBatch(&s.cfg.Mapping, s.cfg.SeriesMax)
	if err := s.query(ctx, "query", s.cfg.Query, now, batch.Arrival); err != nil {
		return feed.Report{}, err
	}
	if s.cfg.EventQuery != "" {
		if err := s.query(ctx, "event_query", s.cfg.EventQuery, now, batch.Event); err != nil {
			return feed.Report{}, err
		}
	}
	s.refusals.Note(batch)
	beats, err := batch.Heartbeats("query", "event_query")
	if err != nil {
		return feed.Report{}, err
	}
	return feed.Report{Source: s.Source(), Heartbeats: beats, KnownThrough: feed.At(now.Add(-s.cfg.ScrapeLag))}, nil
}

// take is Batch.Arrival or Batch.Event.
type take func(get func(label string) string, seconds float64) error

// query evaluates expr at now and hands every value to one. name is the
// setting that holds expr.
func (s *Source) query(ctx context.Context, name, expr string, now time.Time, one take) error {
	value, warnings, _, err := s.api.Query(ctx, expr, now,
		v1.WithTimeout(s.cfg.Schedule.Timeout), v1.WithLimit(uint64(s.cfg.SeriesMax)+1))
	if err != nil {
		return failure(ctx, s.url, s.cfg.Schedule.Timeout, name, err)
	}
	vector, ok := value.(model.Vector)
	switch {
	case !ok:
		return fmt.Errorf("%s yields a %s; an instant vector is needed, one value per client: %s", name, typeName(value), hintFor(value))
	case len(vector) > s.cfg.SeriesMax:
		return fmt.Errorf("%s yields more than %d series: aggregate it, as in max by (client) (...), or raise series_max", name, s.cfg.SeriesMax)
	case len(warnings) > 0:
		// Series may be missing, and a missing one would be called silent.
		return fmt.Errorf("%s has only a part of the answer, says %s: %s", name, sources.ShowURL(s.url), strings.Join(warnings, "; "))
	case len(vector) == 0:
		return fmt.Errorf("%s yields no series: is the metric still exported, and does %s still scrape it?", name, sources.ShowURL(s.url))
	}
	for _, sample := range vector {
		seconds := float64(sample.Value)
		if sample.Histogram != nil {
			seconds = notAValue
		}
		get := func(label string) string { return string(sample.Metric[model.LabelName(label)]) }
		if err := one(get, seconds); err != nil {
			return fmt.Errorf("%s yields %w", name, err)
		}
	}
	return nil
}
