package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// changeEvent is a change of rules as PagerDuty shows it beside the incidents of the
// service: it wakes nobody.
func changeEvent(c *notifiers.RuleChange, key string) pd.ChangeEvent {
	lines, more := c.Lines(len(c.Changes))
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	e := pd.ChangeEvent{RoutingKey: key, Payload: pd.ChangeEventPayload{
		Summary: c.Summary(), Source: "feedwatch " + c.Install, Timestamp: c.At.UTC().Format(time.RFC3339),
		CustomDetails: map[string]any{"Changes": lines, "Rule set": c.To, "Before": c.From},
	}}
	if href := notifiers.SafeLink(c.PageURL); href != "" {
		e.Links = []pd.ChangeEventLink{{Href: href, Text: "Open feedwatch"}}
	}
	return e
}

// TellChange makes one attempt at telling the service of a change.
func (n *Notifier) TellChange(ctx context.Context, c *notifiers.RuleChange) error {
	const what = "pagerduty change"
	x := n.sender.Exchange()
	client := pd.NewClient("", pd.WithV2EventsAPIEndpoint(n.config.APIURL))
	client.HTTPClient = x
	answer, err := client.CreateChangeEventWithContext(ctx, changeEvent(c, n.config.RoutingKey.Reveal()))
	if x.Status == http.StatusBadRequest {
		if class, why := reasons(x.Body); why != "" {
			return x.Reject(what, class, why, n.redact)
		}
	}
	if failed := x.Failure(what, n.redact); failed != nil {
		return failed
	}
	if err != nil || answer == nil || answer.Status != "success" {
		return x.Reject(what, delivery.Ambiguous, "an answer that does not say success; does a proxy answer for PagerDuty?", n.redact)
	}
	return nil
}
