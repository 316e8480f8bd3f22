package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/deadman"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/api"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/drill"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/feed"
	"github.com/feedwatch/feedwatch/watchdog/selfwatch"
	"github.com/feedwatch/feedwatch/watchdog/sources"
	"github.com/feedwatch/feedwatch/watchdog/store"
)

// service is feedwatch wired up: what a heartbeat and a page pass through.
//
//	api, sources --> engine --> store, delivery --> destinations
type service struct {
	cfg       *config
	log       *slog.Logger
	listener  net.Listener
	store     *store.SQLite
	engine    *engine.Engine
	delivery  *delivery.Delivery
	reloader  *engine.Reloader
	api       *api.API
	slack     *slack.Desk
	pullers   []puller
	polling   *sources.Metrics
	pagerDuty pagerDuty
	alerts    alertKeepers
	changes   []*notifiers.Changes
	outside   *deadman.Pinger
	self      *selfwatch.Watch
	drills    *drill.Drills
	heard     atomic.Int64 // unix ns of the last self-probe that succeeded
}

// newService opens and wires everything; Run starts it. On an error nothing is
// left open.
func newService(ctx context.Context, cfg *config, destinations []delivery.Destination, log *slog.Logger) (*service, error) {
	s := &service{cfg: cfg, log: log}
	if err := s.open(ctx, destinations); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *service) open(ctx context.Context, destinations []delivery.Destination) (err error) {
	cfg, log := s.cfg, s.log
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.polling = sources.NewMetrics(registry)
	if s.pullers, err = cfg.pullers(s.polling, log); err != nil {
		return err
	}
	// The address first: a second instance on the same state file must not get far.
	if s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w; does another feedwatch run here?", cfg.Listen, err)
	}
	if s.store, err = store.OpenSQLite(ctx, cfg.Store.Path, log); err != nil {
		return err
	}
	saved, err := s.store.Load(ctx)
	if err != nil {
		return err
	}
	s.delivery = delivery.New(delivery.Config{
		Destinations: destinations, Journal: s.store, Log: log, Registerer: registry, Now: time.Now,
		Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	})
	s.delivery.Restore(saved.Incidents, saved.Receipts)
	s.self = selfwatch.New(cfg.Install, saved.Incidents)
	all := slices.Clone(saved.Incidents)
	saved.Incidents = slices.DeleteFunc(saved.Incidents, func(inc *watchdog.Incident) bool { // the machine knows nothing of them
		return selfwatch.Ours(inc) || drill.Ours(inc)
	})
	if err = s.startEngine(ctx, registry, saved, destinations); err != nil {
		return err
	}
	if err = s.openDrills(ctx, registry, all, destinations); err != nil {
		return err
	}
	if err = s.openPagerDuty(registry, destinations); err != nil {
		return err
	}
	s.alerts = newAlertKeepers(destinations, s.delivery, registry, log)
	if s.outside, err = cfg.pinger(registry, s.unwell, log); err != nil {
		return err
	}
	return s.startAPI(registry)
}

func (s *service) startEngine(ctx context.Context, registry *prometheus.Registry, saved *watchdog.Saved, destinations []delivery.Destination) error {
	sourcesOf := make([]feed.Source, 0, len(s.pullers))
	for _, p := range s.pullers {
		sourcesOf = append(sourcesOf, p.Source())
	}
	s.heard.Store(time.Now().UnixNano())
	var err error
	s.engine, err = engine.New(ctx, engine.Config{
		Install: s.cfg.Install, Sources: sourcesOf, SeriesMax: s.cfg.SeriesMax, Store: s.store, Archive: s.store, Delivery: s.delivery,
		Log: s.log, Registerer: registry, Now: time.Now, HeardThrough: s.heardThrough,
	}, saved)
	if err != nil {
		return err
	}
	registry.MustRegister(engine.NewCollector(s.engine.Status))
	s.changes = s.changesTold(destinations)
	s.reloader = &engine.Reloader{Dir: s.cfg.Rules, Files: os.DirFS(s.cfg.Rules), Engine: s.engine, Targets: targetsOf(destinations), Log: s.log, Changed: s.rulesChanged}
	return s.reloader.Begin(ctx, saved.Rules)
}

// probeFresh is how old the last successful self-probe may be for push to be
// known through now.
const (
	probeEvery = time.Second
	probeFresh = 3 * time.Second
)

func (s *service) heardThrough(now time.Time) time.Time {
	last := time.Unix(0, s.heard.Load())
	if now.Sub(last) <= probeFresh {
		return now
	}
	return last
}

func (s *service) startAPI(registry *prometheus.Registry) error {
	tokens, err := s.cfg.apiTokens()
	if err != nil {
		return err
	}
	clients := 0
	if s.cfg.Metrics.Clients.Enabled {
		if clients = s.cfg.Metrics.Clients.Limit; clients == 0 {
			clients = api.ClientSeriesDefault
		}
	}
	if s.slack, err = s.cfg.slackDesk(people{s.engine, s.drills}, s.delivery, registry, s.log); err != nil {
		return err
	}
	s.api, err = api.New(api.Config{
		Ingest: s.engine, Watch: people{s.engine, s.drills}, Keeper: people{s.engine, s.drills}, Ledger: s.store, Reload: s.reloader.Reload,
		Tokens: tokens, ReadOpen: s.cfg.Read == "open", Receivers: append(slackReceivers(s.slack), s.pagerDuty.receivers()...),
		Outside: s.outside.Short, Notifiers: s.notifierViews,
		Retry:    func(kind, name string) bool { return s.delivery.Retry(rules.Target{Kind: kind, Name: name}) },
		Drill:    s.beginDrill,
		Gatherer: registry, Registerer: registry, ClientSeriesMax: clients,
		Words: words(), Version: version(), Log: s.log,
	})
	return err
}

// words lets the page speak as the notifiers do.
func words() api.Words {
	return api.Words{
		Headline: notifiers.Headline,
		Facts: func(inc *watchdog.Incident, now feed.Instant) []api.Fact {
			var facts []api.Fact
			for _, f := range notifiers.Facts(inc, now.Time()) {
				// The page has the name in a column of its own.
				text := strings.TrimPrefix(f.Text.String(), f.Name+": ")
				facts = append(facts, api.Fact{Name: f.Name, Text: text})
			}
			return facts
		},
		EventLines: func(inc *watchdog.Incident, e *watchdog.Event) []string {
			return texts(notifiers.EventLines(inc, e))
		},
		Age:   notifiers.Age,
		Count: notifiers.Count,
	}
}

// run serves until ctx ends, then stops in the order of the flow: no more input,
// a last turn, a last flush, what is under way delivered.
func (s *service) run(ctx context.Context) error {
	defer s.close()
	deliver, stopDelivery := context.WithCancel(context.WithoutCancel(ctx))
	delivered := make(chan error, 1)
	go func() { delivered <- s.delivery.Run(deliver) }()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.api.Serve(ctx, s.listener) })
	group.Go(func() error { return s.engine.Run(ctx) })
	group.Go(func() error { return s.reloader.Watch(ctx) })
	group.Go(func() error { return s.slack.Run(ctx) })
	group.Go(func() error { return s.probe(ctx) })
	group.Go(func() error { return s.report(ctx) })
	group.Go(func() error { return s.housekeep(ctx) })
	group.Go(func() error { return boundGarbage(ctx) })
	s.pagerDuty.run(ctx, group)
	s.alerts.run(ctx, group)
	group.Go(func() error { return s.drills.Run(ctx) })
	group.Go(func() error { return s.outside.Run(ctx) })
	for _, c := range s.changes {
		group.Go(func() error { return c.Run(ctx) })
	}
	for i, p := range s.pullers {
		jitter := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i)))
		group.Go(func() error {
			return poll(ctx, p, s.polling, jitter.Float64, func(ctx context.Context, r feed.Report) error {
				_, err := s.engine.Submit(ctx, r)
				return err
			}, s.log)
		})
	}
	err := group.Wait()
	stopDelivery()
	return errors.Join(err, <-delivered)
}

// probe knocks at our own door: while nobody answers, nothing heard is no silence.
func (s *service) probe(ctx context.Context) error {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		err := s.api.Probe(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			s.heard.Store(time.Now().UnixNano())
			failing = false
		case !failing:
			failing = true
			s.log.Error("our own address does not answer: heartbeats may be knocking in vain", slog.Any("error", err))
		}
	}
}

// report puts what is wrong with the service itself where readers see it.
func (s *service) report(ctx context.Context) error {
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		s.watchSelf(ctx)
		var trouble []string
		if notice := s.store.Notice(); notice != "" {
			trouble = append(trouble, notice)
		}
		for _, t := range s.delivery.Status() {
			switch {
			case t.Parked != "":
				trouble = append(trouble, fmt.Sprintf("%s refuses us; its pages go to others: %s", t.Target, t.Parked))
			case t.Dead > 0:
				trouble = append(trouble, fmt.Sprintf("%s refused %d messages in any form: %s", t.Target, t.Dead, t.DeadReason))
			}
		}
		trouble = append(trouble, s.slack.Trouble()...)
		trouble = append(trouble, s.pagerDuty.trouble()...)
		trouble = append(trouble, s.alerts.trouble()...)
		trouble = append(trouble, s.drills.Trouble()...)
		if why := s.outside.Trouble(); why != "" {
			trouble = append(trouble, why)
		}
		if err := s.engine.SetTrouble(ctx, trouble); err != nil && ctx.Err() == nil {
			s.log.Warn("the engine is slow to take its own trouble", slog.Any("error", err))
		}
	}
}

// watchSelf has it told where a notifier refuses us, by the others, and where we
// refuse the rule files.
func (s *service) watchSelf(ctx context.Context) {
	now, all := feed.At(time.Now()), s.delivery.Status()
	changed := s.self.Look(now, all, s.drilledEscalations())
	is := s.engine.Status().Rules
	if inc := s.self.LookAtRules(now, selfwatch.Rules{Version: is.Version, Since: is.LoadedAt, Refusal: is.Brief}, all); inc != nil {
		changed = append(changed, inc)
	}
	if len(changed) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, selfSaveWithin)
	defer cancel()
	err := s.store.SaveIncidents(ctx, changed)
	if err != nil {
		s.log.Error("an incident about feedwatch itself could not be stored; it is told all the same", slog.Any("error", err))
	}
	s.delivery.Apply(changed, err == nil)
}

// selfSaveWithin is how long the telling waits for the store.
const selfSaveWithin = 2 * time.Second

const (
	// pruneSchedule is when old incidents and silences leave the state file; UTC.
	pruneSchedule = "17 3 * * *"
	// incidentsKept is how many resolved incidents stay, with their timelines.
	incidentsKept = 10_000
	// silencesKept is for how long a silence that is over stays, for the record.
	silencesKept = 90 * 24 * time.Hour
)

// housekeep keeps the state file from growing for ever.
func (s *service) housekeep(ctx context.Context) error {
	schedule, err := rules.ParseSchedule(pruneSchedule, "UTC")
	if err != nil {
		return fmt.Errorf("schedule of the housekeeping: %w", err)
	}
	for {
		timer := time.NewTimer(time.Until(schedule.Next(time.Now())))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if err := s.store.Prune(ctx, incidentsKept, feed.At(time.Now().Add(-silencesKept))); err != nil {
			s.log.Error("old incidents and silences could not be removed; tried again tomorrow", slog.Any("error", err))
		}
	}
}

func (s *service) close() {
	if s.listener != nil {
		_ = s.listener.Close() // the API has closed it already when it served
	}
	for _, p := range s.pullers {
		p.Close()
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.log.Error("the state file did not close cleanly", slog.Any("error", err))
		}
	}
}
