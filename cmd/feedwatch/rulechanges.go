package main

import (
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/notifiers/pagerduty"
	"github.com/feedwatch/feedwatch/notifiers/slack"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// changesTold are those who are told of other rules: every PagerDuty service, and the
// Slack channels that are to be.
func (s *service) changesTold(destinations []delivery.Destination) (all []*notifiers.Changes) {
	noted := map[rules.Target]bool{}
	for _, c := range s.cfg.Notifiers.Slack {
		noted[rules.Target{Kind: "slack", Name: c.Name}] = c.RuleChanges
	}
	for _, d := range destinations {
		switch n := d.Notifier.(type) {
		case *pagerduty.Notifier:
			all = append(all, notifiers.NewChanges(d.Target, n, 0, s.log))
		case *slack.Notifier:
			if noted[d.Target] {
				all = append(all, notifiers.NewChanges(d.Target, n, slack.ChangesEvery, s.log))
			}
		}
	}
	return all
}

// rulesChanged has them told of another rule set.
func (s *service) rulesChanged(from, to *rules.Set, changes []rules.Change, more int) {
	c := &notifiers.RuleChange{
		Install: s.cfg.Install, From: from.Version(), To: to.Version(), Changes: changes, More: more,
		At: time.Now(), PageURL: s.cfg.ExternalURL,
	}
	for _, told := range s.changes {
		told.Add(c)
	}
}
