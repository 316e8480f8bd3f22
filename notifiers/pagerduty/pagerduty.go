package pagerduty

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Notifier sends events under one routing key. It holds no state that must survive.
type Notifier struct {
	config Config
	sender *notifiers.Sender
	redact notifiers.Redactor
}

// New checks config and makes a Notifier; it makes no request.
func New(config Config) (*Notifier, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	return &Notifier{
		config: config,
		sender: notifiers.NewSender(),
		redact: notifiers.NewRedactor(config.RoutingKey),
	}, nil
}

// Shape is Alerts.
func (n *Notifier) Shape() delivery.Shape { return delivery.Alerts }

// Deliver makes one attempt at op. The ref is the dedup key. A repeat of any
// event under its key is harmless, so Op.MaybeSent changes nothing.
func (n *Notifier) Deliver(ctx context.Context, op delivery.Op) (string, error) {
	action, ok := map[delivery.OpKind]string{
		delivery.Trigger: "trigger", delivery.Acknowledge: "acknowledge", delivery.Resolve: "resolve",
	}[op.Kind]
	if !ok || op.Page == nil {
		why := fmt.Sprintf("pagerduty: no op of kind %d without a page", op.Kind)
		return "", &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, why, nil)}
	}
	event := n.event(op, action)
	if failed := n.send(ctx, event); failed != nil {
		return "", failed
	}
	return event.DedupKey, nil
}

// failure judges an exchange: first what HTTP says, with the reasons that the
// library drops; then whether the answer says success under our key.
func (n *Notifier) failure(x *notifiers.Exchange, action, key string, answer *pd.V2EventResponse, err error) *delivery.Error {
	what := "pagerduty " + action
	if x.Status == http.StatusBadRequest {
		class, why := reasons(x.Body)
		if why != "" {
			return x.Reject(what, class, why, n.redact)
		}
	}
	if failed := x.Failure(what, n.redact); failed != nil {
		if failed.Class == delivery.Refused {
			failed.Err = notifiers.NewFailure(n.redact, failed.Err.Error()+"; check the routing key and the API URL", nil)
		}
		return failed
	}
	switch {
	case x.LooksHTML():
		return x.Reject(what, delivery.Ambiguous, "an HTML page instead of an answer; does a proxy answer for PagerDuty?", n.redact)
	case len(x.Body) == 0:
		return x.Reject(what, delivery.Ambiguous, "an empty answer", n.redact)
	case err != nil || answer == nil:
		return x.Reject(what, delivery.Ambiguous, "an answer that cannot be read; does a proxy answer for PagerDuty?", n.redact)
	case answer.Status != "success":
		return x.Reject(what, delivery.Ambiguous, fmt.Sprintf("the answer says status %q, not success", answer.Status), n.redact)
	case answer.DedupKey != key:
		return x.Reject(what, delivery.Ambiguous, "the answer is for another key", n.redact)
	}
	return nil
}

// reasons is what a 400 says, whole. One about the routing key is a matter of
// configuration; any other is about this event.
func reasons(body []byte) (delivery.Class, string) {
	var answer struct {
		Status  string   `json:"status"`
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Message == "" && len(answer.Errors) == 0 {
		return delivery.BadPayload, ""
	}
	why := strings.Join(append([]string{answer.Message}, answer.Errors...), "; ")
	plain := strings.ReplaceAll(strings.ToLower(why), "_", " ")
	if strings.Contains(plain, "routing key") || strings.Contains(plain, "integration key") {
		return delivery.Refused, why + "; put the integration key of an Events API v2 integration into the configuration"
	}
	return delivery.BadPayload, why
}

// ResolveKey makes one attempt at resolving the alert under a dedup key, whether
// or not we know what it is about.
func (n *Notifier) ResolveKey(ctx context.Context, key string) error {
	event := &pd.V2Event{RoutingKey: n.config.RoutingKey.Reveal(), Action: "resolve", DedupKey: key}
	if failed := n.send(ctx, event); failed != nil {
		return failed
	}
	return nil
}

// send is one attempt.
func (n *Notifier) send(ctx context.Context, event *pd.V2Event) *delivery.Error {
	x := n.sender.Exchange()
	client := pd.NewClient("", pd.WithV2EventsAPIEndpoint(n.config.APIURL))
	client.HTTPClient = x
	answer, err := client.ManageEventWithContext(ctx, event)
	return n.failure(x, event.Action, event.DedupKey, answer, err)
}
