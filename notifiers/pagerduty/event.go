package pagerduty

import (
	"bytes"
	"encoding/json"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// fieldRunesMax bounds the fields whose limit PagerDuty does not state.
const fieldRunesMax = 255

// link is a link of an event.
type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// event is the request for op. Only a trigger has a payload: PagerDuty ignores
// it otherwise.
func (n *Notifier) event(op delivery.Op, action string) *pd.V2Event {
	e := &pd.V2Event{
		RoutingKey: n.config.RoutingKey.Reveal(),
		Action:     action,
		DedupKey:   op.Incident.PageKey(op.Page.N),
	}
	if op.Kind != delivery.Trigger {
		return e
	}
	inc := op.Incident
	e.Payload = &pd.V2Payload{
		Summary:  notifiers.Summary(inc, op.Page, op.Now.Time()),
		Source:   notifiers.Clean(inc.Feed, fieldRunesMax),
		Severity: inc.Severity.String(),
	}
	if op.Minimal {
		return e
	}
	e.Client = "feedwatch"
	e.ClientURL = notifiers.SafeLink(notifiers.IncidentURL(n.config.PageURL, inc))
	e.Links = links(inc.Runbook, e.ClientURL)
	e.Payload.Timestamp = op.Page.At.Time().Format(time.RFC3339)
	e.Payload.Component = notifiers.Clean(inc.Feed, fieldRunesMax)
	if inc.Feed != watchdog.SelfFeed {
		e.Payload.Group = notifiers.Clean(inc.Scope.String(), fieldRunesMax)
	}
	e.Payload.Class = string(inc.Cause)
	e.Payload.Details = detailsOf(op)
	return e
}

func links(runbook, page string) []any {
	var all []any
	if href := notifiers.SafeLink(runbook); href != "" {
		all = append(all, link{href, "Runbook"})
	}
	if page != "" {
		all = append(all, link{page, "Open in feedwatch"})
	}
	return all
}

// details are the facts as an object that keeps their order.
type details []detail

type detail struct{ name, text string }

func detailsOf(op delivery.Op) details {
	inc := op.Incident
	d := details{{"What", notifiers.Headline(inc)}, {"Why this page", notifiers.Why(inc, op.Page)}}
	if t := op.InsteadOf; t.Kind != "" {
		d = append(d, detail{"In the place of", notifiers.TargetName(t.Kind, t.Name) + ", which could not be told"})
	}
	for _, f := range notifiers.Facts(inc, op.Now.Time()) {
		d = append(d, detail{f.Name, f.Text.String()})
	}
	if inc.Owner != "" {
		d = append(d, detail{"Owner", notifiers.Clean(inc.Owner, fieldRunesMax)})
	}
	return append(d, detail{"Incident", inc.ID})
}

// MarshalJSON writes an object in the order of d.
func (d details) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, pair := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(pair.name)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(pair.text)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
