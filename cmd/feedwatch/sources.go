package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/sources"
	"github.com/feedwatch/feedwatch/watchdog/sources/prometheus"
	"github.com/feedwatch/feedwatch/watchdog/sources/scrape"
)

// puller is a pull source, ready to be polled.
type puller interface {
	sources.Reader
	Source() feed.Source
	Schedule() sources.Schedule
	Close()
}

// pullers makes every pull source that the configuration names.
func (c *config) pullers(metrics *sources.Metrics, log *slog.Logger) ([]puller, error) {
	var all []puller
	var errs []error
	seen := map[string]bool{feed.Push.Name: true}
	add := func(name string, p puller, err error) {
		switch {
		case err != nil:
			errs = append(errs, err) // names the source
		case seen[name]:
			errs = append(errs, fmt.Errorf("source %q: the name is taken", name))
		default:
			seen[name] = true
			all = append(all, p)
		}
	}
	for _, p := range c.Sources.Prometheus {
		src, err := p.open(metrics, log)
		add(p.Pull.Name, src, err)
	}
	for _, s := range c.Sources.Scrape {
		src, err := s.open(metrics, log)
		add(s.Pull.Name, src, err)
	}
	return all, errors.Join(errs...)
}

func (p prometheusConfig) open(metrics *sources.Metrics, log *slog.Logger) (puller, error) {
	c, err := p.config()
	if err != nil {
		return nil, err
	}
	return prometheus.New(c, metrics, log)
}

func (p prometheusConfig) config() (prometheus.Config, error) {
	access, err := p.Pull.access()
	if err != nil {
		return prometheus.Config{}, err
	}
	return prometheus.Config{
		Name: p.Pull.Name, URL: p.Pull.URL, Query: p.Query, EventQuery: p.EventQuery,
		Mapping: p.Pull.mapping(), Schedule: p.Pull.schedule(), ScrapeLag: p.ScrapeLag.duration(),
		LagMax: p.Pull.LagMax.duration(), Access: access,
	}, nil
}

func (s scrapeConfig) open(metrics *sources.Metrics, log *slog.Logger) (puller, error) {
	access, err := s.Pull.access()
	if err != nil {
		return nil, err
	}
	return scrape.New(scrape.Config{
		Name: s.Pull.Name, URL: s.Pull.URL, Metric: s.Metric, EventMetric: s.EventMetric,
		Mapping: s.Pull.mapping(), Schedule: s.Pull.schedule(), LagMax: s.Pull.LagMax.duration(), Access: access,
	}, metrics, log)
}

func (p pullConfig) mapping() sources.Mapping {
	labels := map[string]string{}
	for _, name := range p.Labels {
		labels[name] = name
	}
	return sources.Mapping{Feed: p.Feed, FeedLabel: p.FeedLabel, ClientLabel: p.ClientLabel, Labels: labels}
}

func (p pullConfig) schedule() sources.Schedule {
	return sources.Schedule{Interval: p.Interval.duration(), Timeout: p.Timeout.duration()}
}

func (p pullConfig) access() (sources.Access, error) {
	access := sources.Access{CAFile: p.CAFile}
	if p.BearerEnv == "" && p.BearerFile == "" {
		return access, nil
	}
	read := func() (string, error) { return secretFrom("bearer_token", p.BearerEnv, p.BearerFile) }
	access.BearerToken = read // a rotated token is picked up without a restart
	_, err := read()
	return access, err
}

// poll reads src until ctx ends. A read that fails is told to the engine too.
func poll(ctx context.Context, src puller, metrics *sources.Metrics, jitter func() float64, sink sources.Sink, log *slog.Logger) error {
	defer src.Close()
	return sources.Poll(ctx, sources.Polling{Source: src.Source(), Schedule: src.Schedule(), Jitter: jitter, Metrics: metrics}, src, sink, log)
}
