package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/api"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/engine"
	"github.com/feedwatch/feedwatch/watchdog/selfwatch"
	"github.com/feedwatch/feedwatch/watchdog/store"
)

type pagerDutyConfig struct {
	Name      string `yaml:"name"`
	KeyEnv    string `yaml:"routing_key_env"`
	KeyFile   string `yaml:"routing_key_file"`
	EventsURL string `yaml:"events_url"`
	// To look into PagerDuty.
	TokenEnv  string `yaml:"api_token_env"`
	TokenFile string `yaml:"api_token_file"`
	Service   string `yaml:"service"`
	APIURL    string `yaml:"api_url"`
}

// pagerDutyWebhookConfig has the signing secrets of the webhooks that PagerDuty
// sends us: one each, and two while one is changed.
type pagerDutyWebhookConfig struct {
	Secrets []struct {
		Env  string `yaml:"secret_env"`
		File string `yaml:"secret_file"`
	} `yaml:"secrets"`
}

// pagerDuty is what comes back from PagerDuty.
type pagerDuty struct {
	receiver *pagerduty.Receiver // nil: no webhooks
	pollers  []*pagerduty.Poller
}

// webhookSecrets reads the signing secrets.
func (c *config) webhookSecrets() ([]notifiers.Secret, error) {
	var all []notifiers.Secret
	var errs []error
	for i, s := range c.PagerDutyWebhook.Secrets {
		value, err := secretFrom("secret", s.Env, s.File)
		errs = append(errs, c.places.fault(err, "pagerduty_webhook", "secrets", i))
		all = append(all, notifiers.NewSecret(value))
	}
	return all, errors.Join(errs...)
}

// looks says that there is anything to look into PagerDuty with.
func (p *pagerDutyConfig) looks() bool {
	return p.TokenEnv != "" || p.TokenFile != "" || p.Service != "" || p.APIURL != ""
}

func (p *pagerDutyConfig) reader() (*pagerduty.Reader, error) {
	token, err := secretFrom("api_token", p.TokenEnv, p.TokenFile)
	if err != nil {
		return nil, err
	}
	return pagerduty.NewReader(pagerduty.ReaderConfig{Token: notifiers.NewSecret(token), Service: p.Service, APIURL: p.APIURL})
}

// pagerDuty makes what hears of decisions that people make in PagerDuty.
func (c *config) pagerDuty(destinations []delivery.Destination, outbox pagerduty.Outbox, desk *pagerduty.Desk) (pagerDuty, error) {
	var all pagerDuty
	secrets, err := c.webhookSecrets()
	if err == nil && len(secrets) > 0 {
		all.receiver, err = pagerduty.NewReceiver(secrets, desk)
		err = c.places.fault(err, "pagerduty_webhook", "secrets")
	}
	errs := []error{err}
	for i := range c.Notifiers.PagerDuty {
		p := &c.Notifiers.PagerDuty[i]
		target := rules.Target{Kind: "pagerduty", Name: p.Name}
		if !p.looks() {
			continue
		}
		reader, err := p.reader()
		if err != nil {
			errs = append(errs, c.places.fault(fmt.Errorf("notifier %s: %w", target, err), "notifiers", "pagerduty", i))
			continue
		}
		for _, d := range destinations {
			if n, ok := d.Notifier.(*pagerduty.Notifier); ok && d.Target == target {
				all.pollers = append(all.pollers, pagerduty.NewPoller(target, n, reader, outbox, desk))
			}
		}
	}
	return all, errors.Join(errs...)
}

// checkPagerDuty says what is wrong with it, before anything is open.
func (c *config) checkPagerDuty(destinations []delivery.Destination) error {
	_, err := c.pagerDuty(destinations, nil, &pagerduty.Desk{Metrics: pagerduty.NewMetrics(prometheus.NewRegistry())})
	return err
}

func (s *service) openPagerDuty(registry *prometheus.Registry, destinations []delivery.Destination) (err error) {
	s.pagerDuty, err = s.cfg.pagerDuty(destinations, s.delivery, &pagerduty.Desk{
		Install: s.cfg.Install, Keeper: pagerDutyKeeper{people{s.engine, s.drills}, s.self, s.log}, Log: s.log,
		Metrics: pagerduty.NewMetrics(registry), Now: time.Now,
	})
	return err
}

// receivers is where PagerDuty's webhooks come in.
func (p pagerDuty) receivers() []api.Receiver {
	if p.receiver == nil {
		return nil
	}
	return []api.Receiver{{Path: "/pagerduty/webhook", Handler: p.receiver}}
}

func (p pagerDuty) run(ctx context.Context, group *errgroup.Group) {
	if p.receiver != nil {
		group.Go(func() error { return p.receiver.Run(ctx) })
	}
	for _, poller := range p.pollers {
		group.Go(func() error { return poller.Run(ctx) })
	}
}

// trouble is why PagerDuty cannot be looked into, a sentence each.
func (p pagerDuty) trouble() []string {
	var all []string
	for _, poller := range p.pollers {
		if why := poller.Failing(); why != "" {
			all = append(all, fmt.Sprintf("what people decide in %s cannot be looked up: %s", poller.Target(), why))
		}
	}
	return all
}

// pagerDutyKeeper is the engine, which answers as pagerduty.Keeper says.
type pagerDutyKeeper struct {
	engine people
	self   *selfwatch.Watch
	log    *slog.Logger
}

var errStarting = errors.New("feedwatch is starting: not all incidents are known yet")

// Find is the newest picture of an incident. What only a store that answered does
// not have was never there.
func (k pagerDutyKeeper) Find(ctx context.Context, id string) (*watchdog.Incident, error) {
	if s := k.engine.Status(); s == nil || !s.Ready {
		return nil, errStarting
	}
	if inc := k.self.Find(id); inc != nil {
		return inc, nil
	}
	inc, err := k.engine.Incident(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // as pagerduty.Keeper says
	}
	return inc, err
}

func (k pagerDutyKeeper) Acknowledge(ctx context.Context, id, by string, d time.Duration) error {
	return k.settled(id, k.engine.Acknowledge(ctx, id, by, d))
}

func (k pagerDutyKeeper) Resolve(ctx context.Context, id, by, reason string) error {
	return k.settled(id, k.engine.Resolve(ctx, id, by, reason))
}

// settled takes a refusal for an end: the same decision is refused again.
func (k pagerDutyKeeper) settled(id string, err error) error {
	var refused *engine.Refusal
	if errors.Is(err, engine.ErrNoIncident) || errors.As(err, &refused) {
		k.log.Warn("a decision made in PagerDuty was not taken", slog.String("incident", id), slog.Any("error", err))
		return nil
	}
	return err
}
