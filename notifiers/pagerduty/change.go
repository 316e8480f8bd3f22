package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// RuleChange is another rule set in force. PagerDuty shows it beside the
// incidents of the service as a change event, which wakes nobody.
type RuleChange struct {
	Install  string
	From, To string // versions of the sets
	Changes  []rules.Change
	More     int
	At       time.Time
	PageURL  string
}

// changeRunesMax bounds a line of a change event; a Change is shorter unless its
// names are long.
const changeRunesMax = 300

func (c *RuleChange) summary() string {
	n := len(c.Changes) + c.More
	text := fmt.Sprintf("feedwatch rules changed: %d changes", n)
	if n == 1 {
		text = "feedwatch rules changed: " + c.Changes[0].String()
	}
	return notifiers.Clean(text, notifiers.SummaryCharsMax)
}

func (c *RuleChange) event(key string) pd.ChangeEvent {
	lines := make([]string, 0, len(c.Changes)+1)
	for _, one := range c.Changes {
		lines = append(lines, notifiers.Clean(one.String(), changeRunesMax))
	}
	if c.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", c.More))
	}
	e := pd.ChangeEvent{RoutingKey: key, Payload: pd.ChangeEventPayload{
		Summary: c.summary(), Source: "feedwatch " + c.Install, Timestamp: c.At.UTC().Format(time.RFC3339),
		CustomDetails: map[string]any{"Changes": lines, "Rule set": c.To, "Before": c.From},
	}}
	if href := notifiers.SafeLink(c.PageURL); href != "" {
		e.Links = []pd.ChangeEventLink{{Href: href, Text: "Open feedwatch"}}
	}
	return e
}

// TellChange makes one attempt at telling the service of a change.
func (n *Notifier) TellChange(ctx context.Context, c *RuleChange) error {
	const what = "pagerduty change"
	x := n.sender.Exchange()
	client := pd.NewClient("", pd.WithV2EventsAPIEndpoint(n.config.APIURL))
	client.HTTPClient = x
	answer, err := client.CreateChangeEventWithContext(ctx, c.event(n.config.RoutingKey.Reveal()))
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

// How a change event is tried: it is worth some patience, and no page waits for it.
const (
	changesWaiting   = 64
	changeTries      = 5
	changeRetryAfter = time.Minute
)

// Changes tells PagerDuty services of rule sets beside everything else.
type Changes struct {
	queue chan *RuleChange
	told  []*Notifier
	log   *slog.Logger
}

// NewChanges makes one that tells all of those.
func NewChanges(told []*Notifier, log *slog.Logger) *Changes {
	return &Changes{make(chan *RuleChange, changesWaiting), told, log}
}

// Add has c told; it does not wait.
func (c *Changes) Add(change *RuleChange) {
	select {
	case c.queue <- change:
	default:
		c.log.Warn("too many rule changes wait to be told to PagerDuty: one is left out", slog.String("set", change.To))
	}
}

// Run tells them, in order, until ctx ends.
func (c *Changes) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case change := <-c.queue:
			for _, n := range c.told {
				c.tell(ctx, n, change)
			}
		}
	}
}

// tell gives up after a while: a change event is for reading beside an incident.
func (c *Changes) tell(ctx context.Context, n *Notifier, change *RuleChange) {
	for try := 1; ; try++ {
		err := n.TellChange(ctx, change)
		var failed *delivery.Error
		switch {
		case err == nil || ctx.Err() != nil:
			return
		case try == changeTries || errors.As(err, &failed) && (failed.Class == delivery.BadPayload || failed.Class == delivery.Refused):
			c.log.Warn("PagerDuty was not told that the rules changed", slog.String("set", change.To), slog.Any("error", err))
			return
		}
		wait := changeRetryAfter
		if failed != nil {
			wait = max(wait, min(failed.RetryAfter, restWaitMax))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
