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
	"github.com/feedwatch/feedwatch/notifiers/alertmanager"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// alertmanagerConfig is one Alertmanager, or several that belong together.
type alertmanagerConfig struct {
	Name         string            `yaml:"name"`
	URLs         []string          `yaml:"urls"`
	URLsEnv      string            `yaml:"url_env"` // of one whose URL holds a secret
	URLsFile     string            `yaml:"url_file"`
	Token        secret            `yaml:",inline"`
	Username     string            `yaml:"username"`
	PasswordEnv  string            `yaml:"password_env"`
	PasswordFile string            `yaml:"password_file"`
	Labels       map[string]string `yaml:"labels"`
}

func (a *alertmanagerConfig) notifier(install, pageURL string) (*alertmanager.Notifier, error) {
	var errs []error
	read := func(what, env, file string) notifiers.Secret {
		if env == "" && file == "" {
			return notifiers.Secret{}
		}
		value, err := secretFrom(what, env, file)
		errs = append(errs, err)
		return notifiers.NewSecret(value)
	}
	c := alertmanager.Config{
		Install: install, Labels: a.Labels, PageURL: pageURL,
		Token:    read("token", a.Token.Env, a.Token.File),
		Username: a.Username, Password: read("password", a.PasswordEnv, a.PasswordFile),
	}
	for _, url := range a.URLs {
		c.URLs = append(c.URLs, notifiers.NewSecret(url))
	}
	if url := read("url", a.URLsEnv, a.URLsFile); !url.IsZero() {
		c.URLs = append(c.URLs, url)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return alertmanager.New(c)
}

// alertKeepers keep alerts in Alertmanager from ending by themselves.
type alertKeepers []alertKeeper

type alertKeeper struct {
	target   string
	notifier *alertmanager.Notifier
	keeper   *alertmanager.Keeper
}

func newAlertKeepers(destinations []delivery.Destination, outbox alertmanager.Outbox, registry prometheus.Registerer, log *slog.Logger) alertKeepers {
	var all alertKeepers
	metrics := alertmanager.NewMetrics(registry)
	for _, d := range destinations {
		if n, ok := d.Notifier.(*alertmanager.Notifier); ok {
			all = append(all, alertKeeper{d.Target.String(), n, alertmanager.NewKeeper(d.Target, n, outbox, time.Now, log, metrics)})
		}
	}
	return all
}

func (all alertKeepers) run(ctx context.Context, group *errgroup.Group) {
	for _, k := range all {
		group.Go(func() error { return k.keeper.Run(ctx) })
	}
}

// trouble is which Alertmanagers take nothing while others do, a sentence each.
func (all alertKeepers) trouble() []string {
	var said []string
	for _, k := range all {
		for _, why := range k.notifier.Trouble() {
			said = append(said, fmt.Sprintf("%s: %s", k.target, why))
		}
	}
	return said
}
