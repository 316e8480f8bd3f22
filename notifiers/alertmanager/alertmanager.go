package alertmanager

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

const (
	alertsPath = "/api/v2/alerts"
	statusPath = "/api/v2/status"
)

// Notifier sends to Alertmanagers that belong together. What it remembers need
// not survive: after a restart what it forgot is over within Lease.
type Notifier struct {
	config Config
	sender *notifiers.Sender
	redact notifiers.Redactor

	// A refresh is of what was so when it began: none overlaps with an alert's end.
	refreshing sync.RWMutex

	mu        sync.Mutex
	severity  map[string]string // under which a page fires there, by its key
	attempted []string          // what went wrong with each server last; "" for nothing
}

// New checks config and makes a Notifier; it makes no request.
func New(config Config) (*Notifier, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("alertmanager: %w", err)
	}
	secrets := append([]notifiers.Secret{config.Token, config.Password}, config.URLs...)
	if config.Username != "" { // as it goes into a header
		basic := base64.StdEncoding.EncodeToString([]byte(config.Username + ":" + config.Password.Reveal()))
		secrets = append(secrets, notifiers.NewSecret(basic))
	}
	return &Notifier{
		config: config, sender: notifiers.NewSender(), redact: notifiers.NewRedactor(secrets...),
		severity: map[string]string{}, attempted: make([]string, len(config.URLs)),
	}, nil
}

// Shape is Alerts.
func (n *Notifier) Shape() delivery.Shape { return delivery.Alerts }

// Deliver makes one attempt at op. The ref is the page's key. A repeat is harmless.
// Alertmanager knows no acknowledgement: the alert goes on, and says who has it.
func (n *Notifier) Deliver(ctx context.Context, op delivery.Op) (string, error) {
	ends := op.Kind == delivery.Resolve
	if !ends && op.Kind != delivery.Trigger && op.Kind != delivery.Acknowledge || op.Page == nil {
		why := fmt.Sprintf("alertmanager: no op of kind %d without a page", op.Kind)
		return "", &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, why, nil)}
	}
	inc, now := op.Incident, op.Now.Time()
	all := n.superseded(inc, op.Page, now)
	if ends || len(all) > 0 { // a page waits for nothing
		n.refreshing.RLock()
		defer n.refreshing.RUnlock()
	}
	if ends {
		all = append(all, n.ended(inc, op.Page, inc.Severity.String(), now))
	} else {
		all = append(all, n.firing(inc, op.Page, now, op.Minimal))
	}
	if failed := n.post(ctx, all); failed != nil {
		return "", failed
	}
	n.remember(inc, op.Page, ends)
	return inc.PageKey(op.Page.N), nil
}

// superseded ends the alert of a page whose severity has risen since.
func (n *Notifier) superseded(inc *watchdog.Incident, p *watchdog.Page, now time.Time) []alert {
	n.mu.Lock()
	defer n.mu.Unlock()
	if was := n.severity[inc.PageKey(p.N)]; was != "" && was != inc.Severity.String() {
		return []alert{n.ended(inc, p, was, now)}
	}
	return nil
}

func (n *Notifier) remember(inc *watchdog.Incident, p *watchdog.Page, ended bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ended {
		delete(n.severity, inc.PageKey(p.N))
		return
	}
	n.severity[inc.PageKey(p.N)] = inc.Severity.String()
}

// post is one attempt at every Alertmanager at once. One that took it is enough:
// each tells its people, and the others get it with the next refresh.
func (n *Notifier) post(ctx context.Context, all []alert) *delivery.Error {
	body, err := json.Marshal(all)
	if err != nil {
		return &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, "alertmanager: "+err.Error(), nil)}
	}
	failures := make([]*delivery.Error, len(n.config.URLs))
	var each sync.WaitGroup
	for i := range n.config.URLs {
		each.Go(func() { failures[i] = n.postTo(ctx, i, body) })
	}
	each.Wait()
	var first *delivery.Error
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := false
	for i, failed := range failures {
		if failed == nil {
			taken, n.attempted[i] = true, ""
			continue
		}
		n.attempted[i] = failed.Err.Error()
		if first == nil || patience(failed.Class) < patience(first.Class) {
			first = failed
		}
	}
	if taken {
		return nil
	}
	return first
}

// patience orders classes of failures: what may have arrived, then what may do
// when it is tried again, then what a person has to mend.
func patience(c delivery.Class) int {
	switch c {
	case delivery.Ambiguous:
		return 0
	case delivery.RateLimited:
		return 1
	case delivery.NotSent:
		return 2
	case delivery.BadPayload:
		return 3
	default:
		return 4
	}
}

func (n *Notifier) postTo(ctx context.Context, server int, body []byte) *delivery.Error {
	x, failed := n.ask(ctx, server, http.MethodPost, alertsPath, body)
	switch {
	case failed != nil:
		return failed
	case x.LooksHTML():
		return x.Reject(n.name(server), delivery.Ambiguous, "an HTML page instead of an answer; does a proxy answer for Alertmanager?", n.redact)
	case len(bytes.TrimSpace(x.Body)) > 0:
		return x.Reject(n.name(server), delivery.Ambiguous, "an answer that Alertmanager does not give; does something else answer for it?", n.redact)
	}
	return nil
}

// ask makes one request of one Alertmanager.
func (n *Notifier) ask(ctx context.Context, server int, method, path string, body []byte) (*notifiers.Exchange, *delivery.Error) {
	x := n.sender.Exchange()
	req, err := http.NewRequestWithContext(ctx, method, n.config.URLs[server].Reveal()+path, bytes.NewReader(body))
	if err != nil { // the URL was checked: nothing of it may be quoted here
		return nil, &delivery.Error{Class: delivery.Refused, Err: notifiers.NewFailure(n.redact, n.name(server)+": no request can be made for the URL", nil)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "feedwatch")
	if token := n.config.Token.Reveal(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if n.config.Username != "" {
		req.SetBasicAuth(n.config.Username, n.config.Password.Reveal())
	}
	_, _ = x.Do(req) //nolint:bodyclose // the exchange has read and closed it, and keeps the error
	return x, x.Failure(n.name(server), n.redact)
}

func (n *Notifier) name(server int) string {
	return "Alertmanager at " + notifiers.RedactedURL(n.config.URLs[server].Reveal())
}
