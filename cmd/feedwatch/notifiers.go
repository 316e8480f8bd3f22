package main

import (
	"errors"
	"fmt"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/alertmanager"
	"github.com/feedwatch/feedwatch/notifiers/email"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/notifiers/webhook"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// destinations makes every notifier that the configuration names.
func (c *config) destinations(terminal *notifiers.Terminal) ([]delivery.Destination, error) {
	d := destinationList{pageURL: c.ExternalURL, seen: map[rules.Target]bool{}, places: c.places, count: map[string]int{}}
	for _, s := range c.Notifiers.Slack {
		d.add("slack", s.Name, slack.DefaultLimits, func() (delivery.Notifier, error) { return c.slackNotifier(s) })
	}
	for _, p := range c.Notifiers.PagerDuty {
		d.add("pagerduty", p.Name, pagerduty.DefaultLimits, func() (delivery.Notifier, error) {
			key, err := secretFrom("routing_key", p.KeyEnv, p.KeyFile)
			if err != nil {
				return nil, err
			}
			return pagerduty.New(pagerduty.Config{RoutingKey: notifiers.NewSecret(key), APIURL: p.EventsURL, PageURL: d.pageURL})
		})
	}
	for _, w := range c.Notifiers.Webhook {
		d.add("webhook", w.Name, webhook.DefaultLimits, func() (delivery.Notifier, error) {
			address, err := w.URL, error(nil)
			if address == "" {
				address, err = secretFrom("url", w.URLEnv, w.URLFile)
			}
			key := ""
			if err == nil && (w.SecretEnv != "" || w.SecretFile != "") {
				key, err = secretFrom("secret", w.SecretEnv, w.SecretFile)
			}
			if err != nil {
				return nil, err
			}
			return webhook.New(webhook.Config{URL: notifiers.NewSecret(address), Secret: notifiers.NewSecret(key), PageURL: d.pageURL})
		})
	}
	for i := range c.Notifiers.Alertmanager {
		a := &c.Notifiers.Alertmanager[i]
		d.add("alertmanager", a.Name, alertmanager.DefaultLimits, func() (delivery.Notifier, error) { return a.notifier(c.Install, d.pageURL) })
	}
	for i := range c.Notifiers.Email {
		e := &c.Notifiers.Email[i]
		d.add("email", e.Name, email.DefaultLimits, func() (delivery.Notifier, error) { return e.notifier(d.pageURL) })
	}
	for _, n := range c.Notifiers.Console {
		d.add("console", n.Name, delivery.Limits{}, func() (delivery.Notifier, error) {
			return notifiers.NewConsole(terminal, "console/"+n.Name, d.pageURL), nil
		})
	}
	return d.all, errors.Join(d.errs...)
}

type destinationList struct {
	pageURL string
	seen    map[rules.Target]bool
	all     []delivery.Destination
	errs    []error
	places  places
	count   map[string]int // of each kind
}

func (d *destinationList) add(kind, name string, limits delivery.Limits, open func() (delivery.Notifier, error)) {
	target := rules.Target{Kind: kind, Name: name}
	at := d.count[kind]
	d.count[kind]++
	fail := func(err error) {
		d.errs = append(d.errs, d.places.fault(fmt.Errorf("notifier %s: %w", target, err), "notifiers", kind, at))
	}
	if !notifierName.MatchString(name) {
		fail(errors.New("its name is letters, digits, '.', '_' and '-'"))
		return
	}
	if d.seen[target] {
		fail(errors.New("it is configured twice"))
		return
	}
	d.seen[target] = true
	n, err := open()
	if err != nil {
		fail(err)
		return
	}
	d.all = append(d.all, delivery.Destination{Target: target, Notifier: n, Limits: limits})
}

func targetsOf(all []delivery.Destination) []rules.Target {
	targets := make([]rules.Target, 0, len(all))
	for _, d := range all {
		targets = append(targets, d.Target)
	}
	return targets
}
