package alertmanager

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
)

// Lease is how long an alert stays there by itself: ten refreshes may be lost
// before Alertmanager takes it for over. Prometheus gives four.
const Lease = 10 * refreshEvery

// alert is a PostableAlert of Alertmanager's API v2.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// ourLabels are those of every alert.
var ourLabels = []string{"alertname", "install", "feed", "incident", "page", "severity"}

// alertNames are by cause, which an incident never changes.
var alertNames = map[watchdog.Cause]string{
	watchdog.CauseSilent: "FeedSilent", watchdog.CauseFrozen: "FeedFrozen", watchdog.CauseBehind: "FeedFallingBehind", watchdog.CauseTrickling: "FeedTrickling",
	watchdog.CauseBlind: "FeedCannotBeSeen", watchdog.CauseUnheard: "FeedwatchCannotPage", watchdog.CauseRefused: "FeedwatchRefusesRules",
}

// labelsOf name the alert of a page. All but the severity are fixed at opening.
func (n *Notifier) labelsOf(inc *watchdog.Incident, p *watchdog.Page, severity string) map[string]string {
	all := maps.Clone(n.config.Labels)
	if all == nil {
		all = map[string]string{}
	}
	name := alertNames[inc.Cause]
	if name == "" {
		name = "FeedInTrouble"
	}
	set := func(label, value string) {
		if value = notifiers.Clean(value, valueRunesMax); value != "" { // an empty one is none
			all[label] = value
		}
	}
	set("alertname", name)
	set("install", n.config.Install)
	set("feed", inc.Feed)
	set("incident", inc.ID)
	set("page", strconv.Itoa(p.N))
	set("severity", severity)
	return all
}

// firing is the alert of a page as the incident is now.
func (n *Notifier) firing(inc *watchdog.Incident, p *watchdog.Page, now time.Time, minimal bool) alert {
	a := alert{
		Labels:      n.labelsOf(inc, p, inc.Severity.String()),
		Annotations: map[string]string{"summary": notifiers.Summary(inc, p, now)},
		StartsAt:    p.At.Time(), EndsAt: now.Add(Lease),
	}
	if a.StartsAt.After(now) { // our clock was set back
		a.StartsAt = now
	}
	if minimal {
		return a
	}
	a.GeneratorURL = notifiers.SafeLink(notifiers.IncidentURL(n.config.PageURL, inc))
	lines := []string{notifiers.Headline(inc)}
	for _, f := range notifiers.Facts(inc, now) {
		lines = append(lines, f.Line().String())
		switch f.Name {
		case "Since":
			a.Annotations["since"] = f.Text.String()
		case "Scope":
			a.Annotations["scope"] = f.Text.String()
		case "Loss":
			a.Annotations["time_to_loss"] = f.Text.String()
		}
	}
	a.Annotations["description"] = strings.Join(lines, "\n")
	a.Annotations["why"] = notifiers.Why(inc, p)
	if href := notifiers.SafeLink(inc.Runbook); href != "" {
		a.Annotations["runbook_url"] = href
	}
	if inc.Owner != "" {
		a.Annotations["owner"] = notifiers.Clean(inc.Owner, valueRunesMax)
	}
	return a
}

// ended is the alert of a page under a severity, over.
func (n *Notifier) ended(inc *watchdog.Incident, p *watchdog.Page, severity string, now time.Time) alert {
	starts := p.At.Time()
	if starts.After(now) {
		starts = now
	}
	return alert{
		Labels:      n.labelsOf(inc, p, severity),
		Annotations: map[string]string{"summary": notifiers.Headline(inc)},
		StartsAt:    starts, EndsAt: now,
		GeneratorURL: notifiers.SafeLink(notifiers.IncidentURL(n.config.PageURL, inc)),
	}
}
