package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/watchdog/api"
)

// slackConfig is a channel, and how the app that posts there hears people: its
// signing secret (Slack posts to us) or its app token (Socket Mode) lets it.
type slackConfig struct {
	Name        string `yaml:"name"`
	Channel     string `yaml:"channel"`
	Secret      secret `yaml:",inline"`
	SigningEnv  string `yaml:"signing_secret_env"`
	SigningFile string `yaml:"signing_secret_file"`
	AppEnv      string `yaml:"app_token_env"`
	AppFile     string `yaml:"app_token_file"`
	APIURL      string `yaml:"api_url"`
	RuleChanges bool   `yaml:"rule_changes"` // a note when the rules change
}

// app reads the secrets of the channel's app.
func (s *slackConfig) app() (slack.App, error) {
	var errs []error
	read := func(what, env, file string) notifiers.Secret {
		value, err := secretFrom(what, env, file)
		errs = append(errs, err)
		return notifiers.NewSecret(value)
	}
	app := slack.App{Token: read("token", s.Secret.Env, s.Secret.File), APIURL: s.APIURL}
	if s.SigningEnv != "" || s.SigningFile != "" {
		app.SigningSecret = read("signing_secret", s.SigningEnv, s.SigningFile)
	}
	if s.AppEnv != "" || s.AppFile != "" {
		app.AppToken = read("app_token", s.AppEnv, s.AppFile)
	}
	return app, errors.Join(errs...)
}

// slackApps are the apps that hear people, each once however many channels it has.
// A channel that names no way back shares that of another channel of its app.
func (c *config) slackApps() ([]slack.App, error) {
	type identity struct{ token, signing, app, url string }
	seen := map[identity]bool{}
	var apps []slack.App
	var errs []error
	for i := range c.Notifiers.Slack {
		s := &c.Notifiers.Slack[i]
		app, err := s.app()
		if err != nil {
			errs = append(errs, fmt.Errorf("notifier slack/%s: %w", s.Name, err))
			continue
		}
		id := identity{app.Token.Reveal(), app.SigningSecret.Reveal(), app.AppToken.Reveal(), app.APIURL}
		if id.signing == "" && id.app == "" || seen[id] {
			continue
		}
		seen[id] = true
		apps = append(apps, app)
	}
	return apps, errors.Join(errs...)
}

// slackNotifier is the notifier of one channel. Whether its app is heard, other
// channels' rows may say.
func (c *config) slackNotifier(s slackConfig) (*slack.Notifier, error) {
	app, err := s.app()
	if err != nil {
		return nil, err
	}
	heard := !app.SigningSecret.IsZero() || !app.AppToken.IsZero()
	apps, _ := c.slackApps() // what is wrong with another row, that row says
	for _, other := range apps {
		heard = heard || other.Token.Reveal() == app.Token.Reveal()
	}
	return slack.New(slack.Config{App: app, Channel: s.Channel, PageURL: c.ExternalURL, Pressable: heard})
}

// slackDesk hears what people press and type in Slack.
func (c *config) slackDesk(e people, threads slack.Threads, registry prometheus.Registerer, log *slog.Logger) (*slack.Desk, error) {
	apps, err := c.slackApps()
	if err != nil {
		return nil, err
	}
	return slack.NewDesk(slack.DeskConfig{Apps: apps, Keeper: e, Watch: slackWatch{e}, Threads: threads, PageURL: c.ExternalURL, Log: log, Now: time.Now, Registerer: registry})
}

// slackWatch shows a Desk what the engine knows.
type slackWatch struct{ people }

// Picture is what commands are answered from.
func (w slackWatch) Picture() slack.Picture {
	s := w.Status()
	return slack.Picture{Ready: s.Ready, Feeds: s.Feeds, Incidents: s.Incidents, Trouble: s.Trouble}
}

// slackReceivers are the paths to which Slack posts, where an app has a signing secret.
func slackReceivers(d *slack.Desk) []api.Receiver {
	if !d.Listens() {
		return nil
	}
	return []api.Receiver{{Path: slack.InteractionsPath, Handler: d.Interactions()}, {Path: slack.CommandsPath, Handler: d.Commands()}}
}
