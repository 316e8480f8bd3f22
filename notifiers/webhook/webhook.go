// Package webhook tells a program of each event: a POST of JSON, signed where
// there is a secret. Any 2xx is taken as received.
//
// The receiver knows a repeat by the Idempotency-Key header, which is the id in
// the body: after a broken connection the same event comes again under it.
//
// The signature is in X-Feedwatch-Signature: "t=<unix seconds>,v1=<hex>", the
// hex being HMAC-SHA256 over "<unix seconds>.<body>" with the secret. Refuse
// what is older than five minutes, and compare in constant time (Verify does).
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Version is of the body's form; it grows when a field changes its meaning.
const Version = 1

// DefaultLimits spare a receiver of unknown strength.
var DefaultLimits = delivery.Limits{SendsPerMinute: 300}

// Config is what a webhook is made from.
type Config struct {
	URL     notifiers.Secret // where to POST; often holds a token, so it never prints
	Secret  notifiers.Secret // signs the body; empty for no signature
	PageURL string           // of feedwatch's page, for links; "" for none
}

// Notifier posts to one URL. It holds no state that must survive.
type Notifier struct {
	config Config
	sender *notifiers.Sender
	redact notifiers.Redactor
}

// secretBytesMin keeps a signature from being worth nothing.
const secretBytesMin = 16

// New checks config and makes a Notifier; it makes no request.
func New(config Config) (*Notifier, error) {
	var errs []error
	if config.URL.IsZero() {
		errs = append(errs, errors.New("the URL is empty"))
	} else if err := notifiers.CheckURL("the URL", config.URL.Reveal()); err != nil {
		errs = append(errs, err)
	}
	if s := config.Secret.Reveal(); s != "" && len(s) < secretBytesMin {
		errs = append(errs, fmt.Errorf("the secret has %d bytes, %d are the least; make one with: openssl rand -hex 32", len(s), secretBytesMin))
	}
	if err := errors.Join(append(errs, notifiers.CheckPageURL(config.PageURL))...); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return &Notifier{
		config: config,
		sender: notifiers.NewSender(),
		redact: notifiers.NewRedactor(config.URL, config.Secret),
	}, nil
}

// Shape is Stream.
func (n *Notifier) Shape() delivery.Shape { return delivery.Stream }

// Message is the body.
type Message struct {
	Version  int                `json:"version"`
	ID       string             `json:"id"` // also the Idempotency-Key
	Target   string             `json:"target"`
	Feed     string             `json:"feed"`
	Drill    bool               `json:"drill,omitempty"` // nothing is wrong: for programs that read no headline
	State    watchdog.State     `json:"state"`
	Headline string             `json:"headline"`
	Summary  string             `json:"summary,omitempty"`
	Event    *watchdog.Event    `json:"event"`
	Text     []string           `json:"text"` // the event in words
	Page     *watchdog.Page     `json:"page,omitempty"`
	Facts    []Fact             `json:"facts,omitempty"`
	URL      string             `json:"url,omitempty"`
	Runbook  string             `json:"runbook,omitempty"`
	Incident *watchdog.Incident `json:"incident,omitempty"`
}

// Fact is a fact of the incident in words.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Deliver makes one attempt at op.
func (n *Notifier) Deliver(ctx context.Context, op delivery.Op) (string, error) {
	if op.Kind != delivery.Tell || op.Event == nil {
		return "", &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, "webhook: it tells events and nothing else", nil)}
	}
	body, err := json.Marshal(n.message(op))
	if err != nil {
		return "", &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, "webhook: "+err.Error(), nil)}
	}
	x := n.sender.Exchange()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.config.URL.Reveal(), bytes.NewReader(body))
	if err != nil { // the URL was checked: nothing of it may be quoted here
		return "", &delivery.Error{Class: delivery.Refused, Err: notifiers.NewFailure(n.redact, "webhook: no request can be made for the URL", nil)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "feedwatch")
	req.Header.Set("Idempotency-Key", op.ID())
	if secret := n.config.Secret.Reveal(); secret != "" {
		req.Header.Set(SignatureHeader, Sign(secret, time.Now(), body))
	}
	_, _ = x.Do(req) //nolint:bodyclose // the exchange has read and closed it, and keeps the error
	if failed := x.Failure("webhook", n.redact); failed != nil {
		return "", failed
	}
	return op.ID(), nil
}

func (n *Notifier) message(op delivery.Op) Message {
	inc := op.Incident
	m := Message{
		Version:  Version,
		ID:       op.ID(),
		Target:   op.Target.String(),
		Feed:     inc.Feed,
		Drill:    inc.Drill != nil,
		State:    inc.State,
		Headline: notifiers.Headline(inc),
		Event:    op.Event,
	}
	for _, l := range notifiers.EventLines(inc, op.Event) {
		m.Text = append(m.Text, l.String())
	}
	if op.Minimal {
		return m
	}
	m.Summary = notifiers.Summary(inc, op.Page, op.Now.Time())
	m.Page = op.Page
	for _, f := range notifiers.Facts(inc, op.Now.Time()) {
		m.Facts = append(m.Facts, Fact{f.Name, f.Text.String()})
	}
	m.URL = notifiers.SafeLink(notifiers.IncidentURL(n.config.PageURL, inc))
	m.Runbook = notifiers.SafeLink(inc.Runbook)
	m.Incident = inc
	return m
}
