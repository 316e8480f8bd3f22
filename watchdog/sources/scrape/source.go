package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/prometheus/common/expfmt"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
)

// Source reads one page of metrics. It is not safe for concurrent reads.
type Source struct {
	cfg      Config
	url      *url.URL
	client   *http.Client
	refusals *sources.Refusals
}

// New checks cfg; the error names everything that is wrong with it.
func New(cfg Config, metrics *sources.Metrics, log *slog.Logger) (*Source, error) {
	cfg, address, err := cfg.withDefaults()
	client, clientErr := cfg.Access.Client(pageBytesMax)
	if err := errors.Join(err, clientErr); err != nil {
		return nil, fmt.Errorf("scrape source %q: %w", cfg.Name, err)
	}
	metrics.Announce(cfg.Name)
	return &Source{cfg: cfg, url: address, client: client, refusals: sources.NewRefusals(cfg.Name, metrics, log)}, nil
}

// Source is how the engine knows it.
func (s *Source) Source() feed.Source { return s.cfg.source() }

// Schedule is when it is read, defaults filled in.
func (s *Source) Schedule() sources.Schedule { return s.cfg.Schedule }

// Close drops idle connections.
func (s *Source) Close() { s.client.CloseIdleConnections() }

// accept asks for the text format, which every client library writes; OpenMetrics
// is read where a server knows nothing else.
const accept = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"

// Read reads the page once.
func (s *Source) Read(ctx context.Context) (feed.Report, error) {
	begun := s.cfg.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String(), nil)
	if err != nil {
		return feed.Report{}, err
	}
	req.Header.Set("Accept", accept)
	resp, err := s.client.Do(req)
	if err != nil {
		return feed.Report{}, sources.Unreachable(ctx, s.url, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or has failed
	format, err := s.formatOf(resp)
	if err != nil {
		return feed.Report{}, err
	}
	beats, err := s.heartbeats(ctx, resp.Body, format)
	if err != nil {
		return feed.Report{}, err
	}
	return feed.Report{Source: s.Source(), Heartbeats: beats, KnownThrough: feed.At(begun)}, nil
}

// formatOf is the format of an answer, or why it is none.
func (s *Source) formatOf(resp *http.Response) (expfmt.Format, error) {
	where := sources.ShowURL(s.url)
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", fmt.Errorf("%s answered %s: are the credentials right?", where, resp.Status)
	case http.StatusNotFound:
		return "", fmt.Errorf("%s answered %s: is the path right?", where, resp.Status)
	default:
		return "", fmt.Errorf("%s answered %s", where, resp.Status)
	}
	kind := resp.Header.Get("Content-Type")
	format := expfmt.ResponseFormat(resp.Header)
	switch {
	case kind == "", format.FormatType() == expfmt.TypeTextPlain, format.FormatType() == expfmt.TypeOpenMetrics:
		return format, nil
	default:
		return "", fmt.Errorf("%s answered with %s, which is no text format of Prometheus: is the path right?", where, kind)
	}
}

// heartbeats reads the page and makes heartbeats of the two metrics on it.
func (s *Source) heartbeats(ctx context.Context, body io.Reader, format expfmt.Format) ([]feed.Heartbeat, error) {
	where := sources.ShowURL(s.url)
	page := page{metric: s.cfg.Metric, eventMetric: s.cfg.EventMetric, openMetrics: format.FormatType() == expfmt.TypeOpenMetrics}
	batch := sources.NewBatch(&s.cfg.Mapping, s.cfg.SeriesMax)
	err := page.parse(body, batch.Arrival, batch.Event)
	switch {
	case err != nil:
		return nil, sources.Unreachable(ctx, s.url, err)
	case batch.Arrivals() == 0:
		return nil, fmt.Errorf("%s has no metric %s: is it still exported, and the name right?", where, s.cfg.Metric)
	case s.cfg.EventMetric != "" && batch.Events() == 0:
		return nil, fmt.Errorf("%s has no metric %s: is it still exported, and the name right?", where, s.cfg.EventMetric)
	}
	s.refusals.Note(batch)
	beats, err := batch.Heartbeats(s.cfg.Metric, s.cfg.EventMetric)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return beats, nil
}
